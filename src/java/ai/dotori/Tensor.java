// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * An input or output of a model or session. Elements lie dense, the outermost dimension first; images are NHWC. 8-bit
 * elements with a scale above 0 stand for real numbers: real = scale * (stored - zeroPoint).
 */
public final class Tensor {
  private static final int RANK = 1;
  private static final int DIMS = 2;
  private static final int SCALE = 8;
  private static final int ZERO_POINT = 9;
  private static final int BYTES = 10;

  private final String name;
  private final long[] numbers = new long[11];
  private final Session session;
  private final ByteBuffer memory;

  private Tensor(long handle, int kind, int index, Session session, ByteBuffer memory) {
    this.name = Text.of(Native.tensor(handle, kind, index, numbers));
    this.session = session;
    this.memory = memory;
  }

  static Tensor ofModel(long model, int kind, int index) {
    return new Tensor(model, kind, index, null, null);
  }

  static Tensor ofSession(Session session, long handle, int kind, int index, ByteBuffer memory) {
    return new Tensor(handle, kind, index, session, memory);
  }

  public String name() {
    return name;
  }

  public DataType type() {
    return DataType.values()[(int) numbers[0]];
  }

  public long[] shape() {
    return Arrays.copyOfRange(numbers, DIMS, DIMS + (int) numbers[RANK]);
  }

  /** 0: not quantised. */
  public float scale() {
    return Float.intBitsToFloat((int) numbers[SCALE]);
  }

  public int zeroPoint() {
    return (int) numbers[ZERO_POINT];
  }

  public long sizeBytes() {
    return numbers[BYTES];
  }

  /**
   * The tensor's memory itself, in native byte order: fill an input before {@link Session#run}, read an output after
   * it. Each call returns another view with its own position. Only a session's tensors have memory.
   *
   * @throws IllegalStateException when the session was closed, or the tensor is a model's.
   */
  public ByteBuffer buffer() {
    if (session == null) {
      throw new IllegalStateException("'" + name + "' is a model's and has no memory; ask a session");
    }
    session.handle();
    return memory.duplicate().order(ByteOrder.nativeOrder());
  }

  @Override
  public String toString() {
    return name + " " + type() + Arrays.toString(shape());
  }
}
