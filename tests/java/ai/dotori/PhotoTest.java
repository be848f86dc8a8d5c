// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import static ai.dotori.Samples.assertClosed;
import static ai.dotori.Samples.assertError;
import static ai.dotori.Samples.assertInvalid;
import static ai.dotori.Samples.assertNull;
import static ai.dotori.Samples.direct;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PhotoTest {
  private static final int W = 12;
  private static final int H = 10;

  private static byte[] rgb(Photo photo) {
    try (Image image = photo.toImage()) {
      byte[] rgb = new byte[3 * image.width() * image.height()];
      image.pixels(rgb);
      return rgb;
    }
  }

  private static float[] filled(Photo photo) {
    try (Session session = Samples.session("plain")) {
      session.fill(photo);
      session.run();
      float[] out = new float[8 * 8 * 3];
      session.getOutput(0, out);
      return out;
    }
  }

  // NV21 with a brightness of its own in every pixel and four colours, one a quarter.
  private static byte[] nv21() {
    byte[] bytes = new byte[W * H * 3 / 2];
    for (int y = 0; y < H; ++y) {
      for (int x = 0; x < W; ++x) bytes[y * W + x] = (byte) (60 + 10 * y + x);
    }
    for (int y = 0; y < H / 2; ++y) {
      for (int x = 0; x < W / 2; ++x) {
        bytes[W * H + y * W + 2 * x] = (byte) (x < W / 4 ? 100 : 150);
        bytes[W * H + y * W + 2 * x + 1] = (byte) (y < H / 4 ? 110 : 140);
      }
    }
    return bytes;
  }

  // The same picture as three planes with other strides; each begins behind a few bytes that are not the picture's.
  private static Photo planes(int uvPixelStride, int rotation) {
    byte[] nv21 = nv21();
    int yStride = W + 5;
    int uvStride = W / 2 * uvPixelStride + 3;
    byte[] y = new byte[2 + (H - 1) * yStride + W];
    byte[] u = new byte[3 + (H / 2 - 1) * uvStride + (W / 2 - 1) * uvPixelStride + 1];
    byte[] v = new byte[u.length + 1];
    for (byte[] plane : new byte[][] {y, u, v}) Arrays.fill(plane, (byte) 7);
    for (int j = 0; j < H; ++j) System.arraycopy(nv21, j * W, y, 2 + j * yStride, W);
    for (int j = 0; j < H / 2; ++j) {
      for (int i = 0; i < W / 2; ++i) {
        v[4 + j * uvStride + i * uvPixelStride] = nv21[W * H + j * W + 2 * i];
        u[3 + j * uvStride + i * uvPixelStride] = nv21[W * H + j * W + 2 * i + 1];
      }
    }
    ByteBuffer[] buffers = {direct(y), direct(u), direct(v)};
    for (int i = 0; i < 3; ++i) buffers[i].position(2 + i);
    ByteBuffer readOnly = buffers[2].asReadOnlyBuffer();
    return Photo.yuv420(buffers[0], buffers[1], readOnly, W, H, yStride, uvStride, uvPixelStride, rotation);
  }

  @Test
  void argbIsReadWhereItLies() {
    int[] pixels = Samples.gradient(W, H);
    byte[] rgb = rgb(Photo.argb(pixels, W, H));
    for (int i = 0; i < W * H; ++i) {
      assertEquals(pixels[i] & 0xFFFFFF, (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | rgb[3 * i + 2] & 255);
    }
    // A part of wider rows; a change shows at the next use.
    int[] wide = new int[W * H];
    Photo left = Photo.argb(wide, 4, H, W);
    assertEquals(0, rgb(left)[3 * 4]);
    wide[W] = 0x123456;
    assertEquals(0x12, rgb(left)[3 * 4]);
    assertArrayEquals(rgb(Photo.argb(new int[9], 3, 3)), new byte[27]);
  }

  @Test
  void fillsAsTheModelSays() {
    int[] pixels = Samples.gradient(8, 8);
    float[] out = filled(Photo.argb(pixels, 8, 8));
    for (int i = 0; i < 64; ++i) {
      assertEquals((pixels[i] >> 16 & 255) / 255f, out[3 * i], 1e-6);
      assertEquals((pixels[i] >> 8 & 255) / 255f, out[3 * i + 1], 1e-6);
      assertEquals((pixels[i] & 255) / 255f, out[3 * i + 2], 1e-6);
    }
    try (Image image = Photo.argb(pixels, 8, 8).toImage(); Image copy = image.toImage()) {
      assertArrayEquals(out, filled(image));
      assertArrayEquals(out, filled(copy));
    }
  }

  @Test
  void nv21IsColoured() {
    byte[] bytes = new byte[8 * 8 * 3 / 2];
    Arrays.fill(bytes, 0, 64, (byte) 100);
    for (int i = 64; i < bytes.length; i += 2) {
      bytes[i] = (byte) 178; // V: 50 above the middle
      bytes[i + 1] = (byte) 118; // U: 10 below
    }
    // BT.601, full range.
    double[] expected = {100 + 1.402 * 50, 100 - 0.344136 * -10 - 0.714136 * 50, 100 + 1.772 * -10};
    float[] out = filled(Photo.nv21(bytes, 8, 8, 0));
    byte[] rgb = rgb(Photo.nv21(bytes, 8, 8, 0));
    for (int i = 0; i < out.length; ++i) {
      assertEquals(expected[i % 3] / 255, out[i], 0.5 / 255);
      assertEquals(expected[i % 3], rgb[i] & 255, 1);
    }
    float[] video = filled(Photo.nv21(bytes, 8, 8, 0).withMatrix(YuvMatrix.BT709_LIMITED));
    assertEquals((255.0 / 219 * 84 + 1.5748 * 255 / 224 * 50) / 255, video[0], 0.5 / 255);
  }

  @Test
  void packingsAgree() {
    for (int rotation = 0; rotation < 360; rotation += 90) {
      Photo array = Photo.nv21(nv21(), W, H, rotation);
      float[] expected = filled(array);
      byte[] expectedRgb = rgb(array);
      ByteBuffer shifted = ByteBuffer.allocateDirect(W * H * 3 / 2 + 11);
      shifted.position(9);
      shifted.put(nv21());
      shifted.position(9);
      for (Photo photo : new Photo[] {Photo.nv21(shifted, W, H, rotation), planes(1, rotation), planes(2, rotation)}) {
        assertArrayEquals(expected, filled(photo));
        assertArrayEquals(expectedRgb, rgb(photo));
      }
      assertEquals(9, shifted.position());
    }
  }

  @Test
  void rotates() {
    byte[] upright = rgb(Photo.nv21(nv21(), W, H, 0));
    for (int turn = 1; turn < 4; ++turn) {
      try (Image image = Photo.nv21(nv21(), W, H, 90 * turn).toImage()) {
        assertEquals(turn == 2 ? W : H, image.width());
        assertEquals(turn == 2 ? H : W, image.height());
        byte[] turned = new byte[upright.length];
        image.pixels(turned);
        for (int y = 0; y < H; ++y) {
          for (int x = 0; x < W; ++x) {
            // Where a clockwise turn takes the pixel.
            int tx = turn == 1 ? H - 1 - y : turn == 2 ? W - 1 - x : y;
            int ty = turn == 1 ? x : turn == 2 ? H - 1 - y : W - 1 - x;
            for (int c = 0; c < 3; ++c) {
              assertEquals(upright[3 * (y * W + x) + c] & 255, turned[3 * (ty * image.width() + tx) + c] & 255, 1);
            }
          }
        }
      }
    }
  }

  @Test
  void oddSides() {
    byte[] bytes = new byte[7 * 5 + 8 * 3];
    Arrays.fill(bytes, (byte) 128);
    byte[] rgb = rgb(Photo.nv21(bytes, 7, 5, 90));
    assertEquals(3 * 35, rgb.length);
    for (byte b : rgb) assertEquals(128, b & 255, 1);
    assertInvalid("59", () -> Photo.nv21(new byte[58], 7, 5, 0));
  }

  @Test
  void imagesDecodeAndSave(@TempDir Path folder) throws IOException {
    Path png = folder.resolve("\uB3C4\uD1A0\uB9AC.png");
    int[] pixels = Samples.gradient(W, H);
    try (Image image = Photo.argb(pixels, W, H).toImage()) {
      image.savePng(png.toString());
      byte[] expected = rgb(image);
      try (Image loaded = Image.load(png.toString()); Image decoded = Image.decode(Files.readAllBytes(png))) {
        assertEquals(W, loaded.width());
        assertEquals(H, loaded.height());
        assertArrayEquals(expected, rgb(loaded));
        assertArrayEquals(expected, rgb(decoded));
      }
      assertInvalid(String.valueOf(3 * W * H), () -> image.pixels(new byte[3 * W * H - 1]));
      assertNull("rgb", () -> image.pixels(null));
      assertNull("path", () -> image.savePng(null));
      assertError(ErrorCode.IO_ERROR, "none", () -> image.savePng(folder + "/none/x.png"));
    }
    assertError(ErrorCode.NOT_FOUND, "none.jpg", () -> Image.load(folder + "/none.jpg"));
    assertThrows(DotoriException.class, () -> Image.decode(new byte[] {1, 2, 3}));
    assertThrows(DotoriException.class, () -> Image.decode(new byte[0]));
    assertNull("bytes", () -> Image.decode(null));
    assertNull("path", () -> Image.load(null));
  }

  @Test
  void imagesClose() {
    Image image = Photo.argb(new int[9], 3, 3).toImage();
    image.close();
    image.close();
    assertClosed(image::width);
    assertClosed(() -> image.pixels(new byte[27]));
    assertClosed(() -> image.savePng("/x.png"));
    assertClosed(image::toImage);
    assertClosed(() -> filled(image));
  }

  @Test
  void refusesWhatDoesNotFit() {
    byte[] bytes = nv21();
    assertNull("bytes", () -> Photo.nv21((byte[]) null, W, H, 0));
    assertNull("bytes", () -> Photo.nv21((ByteBuffer) null, W, H, 0));
    assertNull("pixels", () -> Photo.argb(null, W, H));
    assertInvalid("180 bytes, found 179", () -> Photo.nv21(Arrays.copyOf(bytes, 179), W, H, 0));
    assertInvalid("0 x 10", () -> Photo.nv21(bytes, 0, H, 0));
    assertInvalid("bytes", () -> Photo.nv21(bytes, 50000, 50000, 0));
    assertInvalid("direct", () -> Photo.nv21(ByteBuffer.wrap(bytes), W, H, 0));
    assertInvalid("45", () -> filled(Photo.nv21(bytes, W, H, 45)));
    assertNull("matrix", () -> Photo.nv21(bytes, W, H, 0).withMatrix(null));
    assertInvalid("too few", () -> filled(Photo.argb(new int[63], 8, 8)));
    assertInvalid("too few", () -> Photo.argb(new int[0], 8, 8).toImage());
    assertInvalid("", () -> filled(Photo.argb(new int[64], -8, 8)));
    assertInvalid("rowStride is 7", () -> Photo.argb(new int[64], 8, 8, 7));
    ByteBuffer y = ByteBuffer.allocateDirect(W * H);
    ByteBuffer uv = ByteBuffer.allocateDirect(W * H / 4);
    ByteBuffer shorter = ByteBuffer.allocateDirect(W * H / 4 - 1);
    ByteBuffer empty = ByteBuffer.allocateDirect(0);
    assertTrue(filled(Photo.yuv420(y, uv, uv, W, H, W, W / 2, 1, 0)).length > 0);
    assertInvalid("V plane", () -> filled(Photo.yuv420(y, uv, shorter, W, H, W, W / 2, 1, 0)));
    assertInvalid("U plane", () -> filled(Photo.yuv420(y, uv, uv, W, H, W, W / 2, 2, 0)));
    assertInvalid("Y plane", () -> filled(Photo.yuv420(y, uv, uv, W, H, W + 1, W / 2, 1, 0)));
    assertInvalid("", () -> filled(Photo.yuv420(y, uv, uv, W, H, W, W / 2, 3, 0)));
    assertInvalid("", () -> filled(Photo.yuv420(y, uv, uv, W, H, -W, W / 2, 1, 0)));
    assertInvalid("", () -> filled(Photo.yuv420(empty, empty, empty, W, H, W, W / 2, 1, 0)));
    assertInvalid("direct", () -> Photo.yuv420(y, ByteBuffer.allocate(30), uv, W, H, W, W / 2, 1, 0));
    assertNull("v", () -> Photo.yuv420(y, uv, null, W, H, W, W / 2, 1, 0));
  }
}
