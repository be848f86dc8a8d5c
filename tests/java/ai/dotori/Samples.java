// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.function.Executable;

/** The small networks of make_models.cc and photos for them. */
final class Samples {
  static final int SIDE = 8;
  static final int RED = 0xFFFF0000;
  static final int GREEN = 0xFF00FF00;
  static final int BLUE = 0xFF0000FF;
  static final int YELLOW = RED | GREEN;

  private Samples() {}

  static String path(String name) {
    return System.getProperty("dotori.models") + "/" + name + ".dtr";
  }

  static Model model(String name) {
    return Model.load(path(name));
  }

  static Session session(String name) {
    try (Model model = model(name)) {
      return new Session(model);
    }
  }

  /** Another colour in every pixel. */
  static int[] gradient(int width, int height) {
    int[] argb = new int[width * height];
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        argb[y * width + x] = 255 << 24 | x * 255 / width << 16 | y * 255 / height << 8 | (x * 7 + y * 3) % 256;
      }
    }
    return argb;
  }

  static ByteBuffer direct(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length);
    buffer.put(bytes);
    buffer.flip();
    return buffer;
  }

  static void assertInvalid(String part, Executable call) {
    assertError(ErrorCode.INVALID_ARGUMENT, part, call);
  }

  static void assertError(ErrorCode code, String part, Executable call) {
    DotoriException e = assertThrows(DotoriException.class, call);
    assertEquals(code, e.code(), e.getMessage());
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  static void assertClosed(Executable call) {
    IllegalStateException e = assertThrows(IllegalStateException.class, call);
    assertTrue(e.getMessage().contains("closed"), e.getMessage());
  }

  static void assertNull(String name, Executable call) {
    NullPointerException e = assertThrows(NullPointerException.class, call);
    assertEquals(name, e.getMessage());
  }
}
