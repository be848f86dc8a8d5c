// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** How a session runs; what is not set is the default. */
public final class SessionOptions {
  Backend backend = Backend.CPU;
  int threads;
  long maxMemoryBytes;

  /** Default: {@link Backend#CPU}. */
  public SessionOptions backend(Backend value) {
    if (value == null) throw new NullPointerException("backend");
    backend = value;
    return this;
  }

  /** 1 to 64; 0 (the default): one; -1: one for each core this process may use. */
  public SessionOptions threads(int value) {
    threads = value;
    return this;
  }

  /** A plan that needs more is refused; 0 (the default): 4 GiB. */
  public SessionOptions maxMemoryBytes(long value) {
    if (value < 0) throw DotoriException.invalid("maxMemoryBytes is " + value + ", expected 0 or more");
    maxMemoryBytes = value;
    return this;
  }
}
