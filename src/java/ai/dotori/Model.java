// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A verified network. It does not change and may be used by any number of threads and sessions. */
public final class Model implements AutoCloseable {
  private static final int TASK = 0;
  private static final int INPUTS = 1;
  private static final int OUTPUTS = 2;
  private static final int LABELS = 3;
  private static final int FILE_BYTES = 4;

  private final Handle handle;

  private Model(long id) {
    handle = new Handle("model", id);
  }

  /** Reads a .dtr file. */
  public static Model load(String path) {
    return new Model(Native.modelLoadFile(Text.zeroTerminated("path", path)));
  }

  /** Reads the contents of a .dtr file; {@code name} stands in error messages. */
  public static Model load(byte[] bytes, String name) {
    if (bytes == null) throw new NullPointerException("bytes");
    return new Model(Native.modelLoadArray(bytes, Text.zeroTerminated("name", name)));
  }

  /**
   * The same from a direct buffer, position to limit (a mapped asset, for example). The bytes are copied; the buffer's
   * position stays.
   */
  public static Model load(ByteBuffer bytes, String name) {
    if (bytes == null) throw new NullPointerException("bytes");
    if (!bytes.isDirect()) throw DotoriException.invalid("bytes is not a direct buffer");
    byte[] text = Text.zeroTerminated("name", name);
    return new Model(Native.modelLoadBuffer(bytes, bytes.position(), bytes.remaining(), text));
  }

  public String name() {
    return Text.of(Native.modelName(handle.get()));
  }

  public Task task() {
    return Task.values()[(int) number(TASK)];
  }

  public int inputCount() {
    return (int) number(INPUTS);
  }

  public int outputCount() {
    return (int) number(OUTPUTS);
  }

  public long fileBytes() {
    return number(FILE_BYTES);
  }

  /** Name, type and shape of an input. */
  public Tensor input(int index) {
    return Tensor.ofModel(handle.get(), Native.MODEL_INPUT, index);
  }

  /** Name, type and shape of an output. */
  public Tensor output(int index) {
    return Tensor.ofModel(handle.get(), Native.MODEL_OUTPUT, index);
  }

  /** The names of the classes; empty when the file has none. */
  public List<String> labels() {
    long id = handle.get();
    int count = (int) number(LABELS);
    List<String> labels = new ArrayList<>(count);
    for (int i = 0; i < count; ++i) labels.add(Text.of(Native.modelLabel(id, i)));
    return Collections.unmodifiableList(labels);
  }

  /** One JSON object: name, task, inputs, outputs, labels, nodes, parameters, file_bytes. */
  public String json() {
    return Text.of(Native.modelJson(handle.get()));
  }

  /** Gives the memory back; sessions made of the model go on working. A second time it does nothing. */
  @Override
  public void close() {
    long id = handle.take();
    if (id != 0) Native.modelClose(id);
  }

  long handle() {
    return handle.get();
  }

  private long number(int which) {
    return Native.modelInfo(handle.get())[which];
  }
}
