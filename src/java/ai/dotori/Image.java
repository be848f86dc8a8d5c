// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** An 8-bit RGB picture in native memory. */
public final class Image extends Photo implements AutoCloseable {
  private final Handle handle;

  Image(long id) {
    handle = new Handle("image", id);
  }

  /** Reads a JPEG, PNG or BMP file of at most 40 million pixels. */
  public static Image load(String path) {
    return new Image(Native.imageLoadFile(Text.zeroTerminated("path", path), 0));
  }

  /**
   * Decodes the contents of such a file.
   *
   * @throws DotoriException with {@link ErrorCode#UNSUPPORTED} in a build without decoders (Android, where the system
   *     decodes)
   */
  public static Image decode(byte[] bytes) {
    if (bytes == null) throw new NullPointerException("bytes");
    return new Image(Native.imageDecode(bytes, 0));
  }

  public int width() {
    return Native.imageSize(handle.get())[0];
  }

  public int height() {
    return Native.imageSize(handle.get())[1];
  }

  /** Copies 3 * width * height bytes, rows from the top; the array must have that size. */
  public void pixels(byte[] rgb) {
    if (rgb == null) throw new NullPointerException("rgb");
    Native.imagePixels(handle.get(), rgb);
  }

  public void savePng(String path) {
    Native.imageSavePng(handle.get(), Text.zeroTerminated("path", path));
  }

  /** Another copy, to be closed on its own. */
  @Override
  public Image toImage() {
    int width = width();
    int height = height();
    byte[] rgb = new byte[3 * width * height];
    pixels(rgb);
    int[] argb = new int[width * height];
    for (int i = 0; i < argb.length; ++i) {
      argb[i] = (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | (rgb[3 * i + 2] & 255);
    }
    return new Image(Native.imageFromArgb(argb, width, height, width));
  }

  /** Gives the memory back; a second time it does nothing. */
  @Override
  public void close() {
    long id = handle.take();
    if (id != 0) Native.imageClose(id);
  }

  @Override
  void fill(long session) {
    Native.sessionFillImage(session, handle.get());
  }
}
