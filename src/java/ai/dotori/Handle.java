// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.util.concurrent.atomic.AtomicLong;

/** A native handle that can be closed once, by any thread. */
final class Handle {
  private final String what;
  private final AtomicLong id;

  Handle(String what, long id) {
    this.what = what;
    this.id = new AtomicLong(id);
  }

  long get() {
    long open = id.get();
    if (open == 0) throw new IllegalStateException("the " + what + " was closed");
    return open;
  }

  /** The handle, for whoever asks first; then 0. */
  long take() {
    return id.getAndSet(0);
  }
}
