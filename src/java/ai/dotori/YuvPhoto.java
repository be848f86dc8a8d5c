// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.ByteBuffer;

/** A camera picture in YUV 4:2:0, in memory of the caller; see {@link Photo#nv21} and {@link Photo#yuv420}. */
public final class YuvPhoto extends Photo {
  private final byte[] array;
  private final ByteBuffer y;
  private final ByteBuffer u;
  private final ByteBuffer v;
  // Start and bytes of y, u and v, width, height, strides of y rows, uv rows and uv pixels, matrix, rotation.
  private final int[] geometry;

  private YuvPhoto(byte[] array, ByteBuffer y, ByteBuffer u, ByteBuffer v, int... geometry) {
    this.array = array;
    this.y = y;
    this.u = u;
    this.v = v;
    this.geometry = geometry;
  }

  /** The same picture, read with another matrix than {@link YuvMatrix#BT601_FULL}. */
  public YuvPhoto withMatrix(YuvMatrix matrix) {
    if (matrix == null) throw new NullPointerException("matrix");
    int[] changed = geometry.clone();
    changed[11] = matrix.ordinal();
    return new YuvPhoto(array, y, u, v, changed);
  }

  static YuvPhoto ofNv21(byte[] bytes, int width, int height, int rotation) {
    if (bytes == null) throw new NullPointerException("bytes");
    return new YuvPhoto(bytes, null, null, null, nv21Geometry(0, bytes.length, width, height, rotation));
  }

  static YuvPhoto ofNv21(ByteBuffer bytes, int width, int height, int rotation) {
    checkDirect("bytes", bytes);
    int[] geometry = nv21Geometry(bytes.position(), bytes.remaining(), width, height, rotation);
    return new YuvPhoto(null, bytes, bytes, bytes, geometry);
  }

  static YuvPhoto ofPlanes(ByteBuffer y, ByteBuffer u, ByteBuffer v, int width, int height, int yRowStride,
      int uvRowStride, int uvPixelStride, int rotation) {
    checkDirect("y", y);
    checkDirect("u", u);
    checkDirect("v", v);
    return new YuvPhoto(null, y, u, v, y.position(), y.remaining(), u.position(), u.remaining(), v.position(),
        v.remaining(), width, height, yRowStride, uvRowStride, uvPixelStride, YuvMatrix.BT601_FULL.ordinal(), rotation);
  }

  private static int[] nv21Geometry(int start, int size, int width, int height, int rotation) {
    if (width < 1 || height < 1) throw DotoriException.invalid("a photo of " + width + " x " + height + " pixels");
    long uvRow = (width + 1L) / 2 * 2;
    long yBytes = (long) width * height;
    long needed = yBytes + uvRow * ((height + 1L) / 2);
    if (size < needed) {
      throw DotoriException.invalid(
          "NV21 of " + width + " x " + height + " pixels has " + needed + " bytes, found " + size);
    }
    int yEnd = (int) yBytes;
    int rest = size - yEnd;
    return new int[] {start, yEnd, start + yEnd + 1, rest - 1, start + yEnd, rest, width, height, width, (int) uvRow, 2,
        YuvMatrix.BT601_FULL.ordinal(), rotation};
  }

  private static void checkDirect(String name, ByteBuffer buffer) {
    if (buffer == null) throw new NullPointerException(name);
    if (!buffer.isDirect()) throw DotoriException.invalid(name + " is not a direct buffer");
  }

  @Override
  public Image toImage() {
    return new Image(Native.imageFromYuv(array, y, u, v, geometry));
  }

  @Override
  void fill(long session) {
    Native.sessionFillYuv(session, array, y, u, v, geometry);
  }
}
