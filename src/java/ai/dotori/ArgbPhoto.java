// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** Pixels 0xAARRGGBB in an array of the caller. */
final class ArgbPhoto extends Photo {
  private final int[] pixels;
  private final int width;
  private final int height;
  private final int rowStride;

  ArgbPhoto(int[] pixels, int width, int height, int rowStride) {
    if (pixels == null) throw new NullPointerException("pixels");
    if (rowStride < width) {
      throw DotoriException.invalid("rowStride is " + rowStride + ", but a row has " + width + " pixels");
    }
    this.pixels = pixels;
    this.width = width;
    this.height = height;
    this.rowStride = rowStride;
  }

  @Override
  public Image toImage() {
    return new Image(Native.imageFromArgb(pixels, width, height, rowStride));
  }

  @Override
  void fill(long session) {
    Native.sessionFillArgb(session, pixels, width, height, rowStride);
  }
}
