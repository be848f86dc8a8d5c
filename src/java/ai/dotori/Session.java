// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.ByteBuffer;

/**
 * A model with its memory and threads, ready to run. One thread at a time may use it: a call that meets another one
 * throws a {@link DotoriException} with {@link ErrorCode#BUSY}.
 */
public final class Session implements AutoCloseable {
  private static final int BACKEND = 0;
  private static final int THREADS = 1;
  private static final int INPUTS = 2;
  private static final int OUTPUTS = 3;
  private static final int ARENA_BYTES = 4;
  private static final int PACKED_BYTES = 5;
  private static final int CORE_MASK = 6;

  private final Handle handle;
  private final SessionMemory memory;
  // One buffer a tensor, whose views are handed out. Guarded by `memory`.
  private ByteBuffer[][] buffers;

  public Session(Model model) {
    this(model, new SessionOptions());
  }

  /** Chooses kernels, packs weights and reserves all memory. The model may be closed afterwards. */
  public Session(Model model, SessionOptions options) {
    if (model == null) throw new NullPointerException("model");
    if (options == null) throw new NullPointerException("options");
    long id = Native.sessionCreate(model.handle(), options.backend.ordinal(), options.threads, options.maxMemoryBytes,
        options.cores.ordinal(), options.coreMask);
    handle = new Handle("session", id);
    memory = new SessionMemory(id);
    buffers = new ByteBuffer[][] {new ByteBuffer[inputCount()], new ByteBuffer[outputCount()]};
  }

  public Backend backend() {
    return Backend.values()[(int) number(BACKEND)];
  }

  public int threads() {
    return (int) number(THREADS);
  }

  /** Where it runs: bit i is CPU i, of the first 64; 0: wherever the system likes. */
  public long coreMask() {
    return number(CORE_MASK);
  }

  public int inputCount() {
    return (int) number(INPUTS);
  }

  public int outputCount() {
    return (int) number(OUTPUTS);
  }

  /** Memory of activations and scratch. */
  public long arenaBytes() {
    return number(ARENA_BYTES);
  }

  /** Memory of weights re-laid out for the kernels. */
  public long packedBytes() {
    return number(PACKED_BYTES);
  }

  /** An input with its memory. */
  public Tensor input(int index) {
    return tensor(Native.SESSION_INPUT, index);
  }

  /** An output with its memory, whose contents last until the next {@link #run}. */
  public Tensor output(int index) {
    return tensor(Native.SESSION_OUTPUT, index);
  }

  /** Copies all bytes of an input. */
  public void setInput(int index, byte[] bytes) {
    if (bytes == null) throw new NullPointerException("bytes");
    Native.sessionSetInput(handle.get(), index, bytes, 1);
  }

  /** Copies all elements of a float32 input. */
  public void setInput(int index, float[] elements) {
    if (elements == null) throw new NullPointerException("elements");
    checkFloat(Native.SESSION_INPUT, index);
    Native.sessionSetInput(handle.get(), index, elements, 4);
  }

  /** Copies all bytes of an output. */
  public void getOutput(int index, byte[] bytes) {
    if (bytes == null) throw new NullPointerException("bytes");
    Native.sessionGetOutput(handle.get(), index, bytes, 1);
  }

  /** Copies all elements of a float32 output. */
  public void getOutput(int index, float[] elements) {
    if (elements == null) throw new NullPointerException("elements");
    checkFloat(Native.SESSION_OUTPUT, index);
    Native.sessionGetOutput(handle.get(), index, elements, 4);
  }

  /** Fills the inputs from a photo as the model's file says. */
  public void fill(Photo photo) {
    if (photo == null) throw new NullPointerException("photo");
    photo.fill(handle.get());
  }

  public void run() {
    Native.sessionRun(handle.get());
  }

  /**
   * Ends the session; a second time it does nothing. A call of another thread ends first. The memory goes back at once,
   * or, when {@link Tensor} buffers were asked for, once none of them can be reached and another session is opened or
   * closed.
   */
  @Override
  public void close() {
    if (handle.take() == 0) return;
    synchronized (memory) {
      buffers = null;
    }
    memory.close();
  }

  long handle() {
    return handle.get();
  }

  private Tensor tensor(int kind, int index) {
    long id = handle.get();
    synchronized (memory) {
      if (buffers == null) throw new IllegalStateException("the session was closed");
      ByteBuffer[] known = buffers[kind - Native.SESSION_INPUT];
      // An index that does not exist is the library's to refuse.
      if (index < 0 || index >= known.length) return Tensor.ofSession(this, id, kind, index, null);
      if (known[index] == null) known[index] = memory.view(kind, index);
      return Tensor.ofSession(this, id, kind, index, known[index]);
    }
  }

  private void checkFloat(int kind, int index) {
    long[] numbers = new long[11];
    String name = Text.of(Native.tensor(handle.get(), kind, index, numbers));
    DataType type = DataType.values()[(int) numbers[0]];
    if (type != DataType.FLOAT32) throw DotoriException.invalid("'" + name + "' is " + type + ", expected FLOAT32");
  }

  private long number(int which) {
    return Native.sessionInfo(handle.get())[which];
  }
}
