// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.charset.StandardCharsets;

/** An error of the library. The message names the thing, what was expected and what was found. */
public final class DotoriException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final ErrorCode code;

  DotoriException(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  // Called by native code: JNI's own strings are not UTF-8.
  DotoriException(int code, byte[] utf8) {
    this(ErrorCode.of(code), new String(utf8, StandardCharsets.UTF_8));
  }

  static DotoriException invalid(String message) {
    return new DotoriException(ErrorCode.INVALID_ARGUMENT, message);
  }

  /** What kind of error it is. */
  public ErrorCode code() {
    return code;
  }
}
