// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.ByteBuffer;

/**
 * The native functions, registered by libdotori_jni when it is loaded. Text is UTF-8 in byte arrays; paths end with a
 * zero. Lists of answers are rows of doubles, which hold every int and float exactly. Failures throw {@link
 * DotoriException}.
 */
final class Native {
  static final int MODEL_INPUT = 0;
  static final int MODEL_OUTPUT = 1;
  static final int SESSION_INPUT = 2;
  static final int SESSION_OUTPUT = 3;

  static {
    System.loadLibrary("dotori_jni");
  }

  private Native() {}

  static native byte[] version();

  static native int abiVersion();

  static native byte[] instructionSet();

  static native long modelLoadFile(byte[] path);

  static native long modelLoadArray(byte[] bytes, byte[] name);

  static native long modelLoadBuffer(ByteBuffer bytes, int position, int size, byte[] name);

  static native void modelClose(long model);

  /** Task, number of inputs, of outputs, of labels, bytes of the file. */
  static native long[] modelInfo(long model);

  static native byte[] modelName(long model);

  static native byte[] modelLabel(long model, int index);

  static native byte[] modelJson(long model);

  /** Returns the name; {@code numbers}: type, rank, six dimensions, bits of the scale, zero point, bytes. */
  static native byte[] tensor(long handle, int kind, int index, long[] numbers);

  static native long sessionCreate(long model, int backend, int threads, long maxMemoryBytes, int cores, long coreMask);

  static native void sessionClose(long session);

  static native long coreMask(int cores);

  /** Backend, threads, number of inputs, of outputs, bytes of the arena, bytes of packed weights, mask of cores. */
  static native long[] sessionInfo(long session);

  /** A view of a tensor's memory; {@code kind} is SESSION_INPUT or SESSION_OUTPUT. */
  static native ByteBuffer sessionTensorData(long session, int kind, int index);

  /** {@code array}: byte[] or float[], whose elements have {@code elementBytes}. */
  static native void sessionSetInput(long session, int index, Object array, int elementBytes);

  static native void sessionGetOutput(long session, int index, Object array, int elementBytes);

  static native void sessionRun(long session);

  static native void sessionFillImage(long session, long image);

  static native void sessionFillArgb(long session, int[] pixels, int width, int height, int rowStride);

  /** The planes are parts of {@code array} or, where that is null, of the buffers. {@code geometry}: see YuvPhoto. */
  static native void sessionFillYuv(
      long session, byte[] array, ByteBuffer y, ByteBuffer u, ByteBuffer v, int[] geometry);

  static native long imageDecode(byte[] bytes, long maxPixels);

  static native long imageLoadFile(byte[] path, long maxPixels);

  static native long imageFromArgb(int[] pixels, int width, int height, int rowStride);

  static native long imageFromYuv(byte[] array, ByteBuffer y, ByteBuffer u, ByteBuffer v, int[] geometry);

  static native void imageClose(long image);

  /** Width, height. */
  static native int[] imageSize(long image);

  static native void imagePixels(long image, byte[] rgb);

  static native void imageSavePng(long image, byte[] path);

  /** Rows of index, score. */
  static native double[] classes(long session, int most);

  /** Rows of x0, y0, x1, y1, class, score. */
  static native double[] boxes(long session, float scoreThreshold, float nmsIou);

  /** Width, height. */
  static native int[] photoSize(long session);

  static native byte[] mask(long session);

  /** Rows of class, x0, y0, x1, y1, pixels, centre x, centre y, equivalent diameter. */
  static native double[] regions(long session, long minPixels);
}
