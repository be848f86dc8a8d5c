// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.ByteBuffer;

/**
 * What a network looks at: an {@link Image}, or pixels of the caller, which are read where they are, without a copy,
 * whenever the photo is used.
 */
public abstract class Photo {
  Photo() {}

  /**
   * Rows of {@code width} pixels 0xAARRGGBB from the top, as Android's Bitmap.getPixels() gives them; alpha is ignored.
   */
  public static Photo argb(int[] pixels, int width, int height) {
    return argb(pixels, width, height, width);
  }

  /** The same with rows {@code rowStride} pixels apart. */
  public static Photo argb(int[] pixels, int width, int height, int rowStride) {
    return new ArgbPhoto(pixels, width, height, rowStride);
  }

  /**
   * A camera picture: {@code width} * {@code height} bytes Y, then rows of V, U pairs for each 2 x 2 pixels.
   *
   * @param rotation how far the picture must be turned clockwise to be upright: 0, 90, 180 or 270 degrees
   */
  public static YuvPhoto nv21(byte[] bytes, int width, int height, int rotation) {
    return YuvPhoto.ofNv21(bytes, width, height, rotation);
  }

  /** The same in a direct buffer, from its position on. */
  public static YuvPhoto nv21(ByteBuffer bytes, int width, int height, int rotation) {
    return YuvPhoto.ofNv21(bytes, width, height, rotation);
  }

  /**
   * The three planes of Android's YUV_420_888: direct buffers from their positions to their limits, rows and pixels
   * apart as the image's planes say (strides of U and V are the same).
   *
   * @param rotation how far the picture must be turned clockwise to be upright: 0, 90, 180 or 270 degrees
   */
  public static YuvPhoto yuv420(ByteBuffer y, ByteBuffer u, ByteBuffer v, int width, int height, int yRowStride,
      int uvRowStride, int uvPixelStride, int rotation) {
    return YuvPhoto.ofPlanes(y, u, v, width, height, yRowStride, uvRowStride, uvPixelStride, rotation);
  }

  /** An upright copy in RGB. */
  public abstract Image toImage();

  abstract void fill(long session);
}
