// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.charset.StandardCharsets;

/** Text as native code wants it. */
final class Text {
  private Text() {}

  static String of(byte[] utf8) {
    return new String(utf8, StandardCharsets.UTF_8);
  }

  static byte[] zeroTerminated(String what, String text) {
    if (text == null) throw new NullPointerException(what);
    if (text.indexOf('\0') >= 0) throw DotoriException.invalid(what + " holds a zero character");
    return (text + '\0').getBytes(StandardCharsets.UTF_8);
  }
}
