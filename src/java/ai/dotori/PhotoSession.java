// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** What the three tasks share: one photo at a time goes through a session. */
final class PhotoSession {
  final List<String> labels;
  private final Session session;
  private final AtomicBoolean busy = new AtomicBoolean();

  PhotoSession(Model model, SessionOptions options, Task task) {
    if (model == null) throw new NullPointerException("model");
    if (model.task() != task) {
      throw new DotoriException(ErrorCode.UNSUPPORTED,
          "model '" + model.name() + "' is for " + model.task() + ", expected " + task);
    }
    labels = model.labels();
    session = new Session(model, options);
  }

  /** Runs the network; the caller reads the answers of the handle it gets, then calls {@link #end}. */
  long begin(Photo photo) {
    long id = session.handle();
    // Filling, running and reading belong together: another thread between them would mix two photos.
    if (!busy.compareAndSet(false, true)) {
      throw new DotoriException(ErrorCode.BUSY, "another thread is using the session");
    }
    boolean ran = false;
    try {
      session.fill(photo);
      session.run();
      ran = true;
      return id;
    } finally {
      if (!ran) end();
    }
  }

  void end() {
    busy.set(false);
  }

  String label(int index) {
    return index >= 0 && index < labels.size() ? labels.get(index) : "";
  }

  void close() {
    session.close();
  }
}
