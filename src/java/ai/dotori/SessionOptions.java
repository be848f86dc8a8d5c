// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** How a session runs; what is not set is the default. */
public final class SessionOptions {
  Backend backend = Backend.CPU;
  int threads;
  long maxMemoryBytes;
  CoreClass cores = CoreClass.ALL;
  long coreMask;

  /** Default: {@link Backend#CPU}. */
  public SessionOptions backend(Backend value) {
    if (value == null) throw new NullPointerException("backend");
    backend = value;
    return this;
  }

  /** 1 to 64; 0 (the default): one; -1: one for each core of those chosen. */
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

  /**
   * Default: {@link CoreClass#ALL}, wherever the system likes. Otherwise the session's threads stay on such cores; the
   * thread that creates or runs the session is moved there for the call and gets its own cores back.
   */
  public SessionOptions cores(CoreClass value) {
    if (value == null) throw new NullPointerException("cores");
    cores = value;
    return this;
  }

  /** These cores alone: bit i is CPU i, each of which must be usable. It goes before the class; 0 (the default): none. */
  public SessionOptions coreMask(long value) {
    coreMask = value;
    return this;
  }
}
