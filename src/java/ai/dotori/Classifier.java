// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Says what a photo shows. For one thread at a time: another one gets {@link ErrorCode#BUSY}. */
public final class Classifier implements AutoCloseable {
  private final PhotoSession session;

  public Classifier(Model model) {
    this(model, new SessionOptions());
  }

  /** The model may be closed afterwards. */
  public Classifier(Model model, SessionOptions options) {
    session = new PhotoSession(model, options, Task.CLASSIFICATION);
  }

  /** The {@code most} likeliest classes, best first. */
  public List<Category> classify(Photo photo, int most) {
    if (most < 1) throw DotoriException.invalid("most is " + most + ", expected 1 or more");
    double[] rows;
    long id = session.begin(photo);
    try {
      rows = Native.classes(id, most);
    } finally {
      session.end();
    }
    List<Category> found = new ArrayList<>(rows.length / 2);
    for (int i = 0; i < rows.length; i += 2) {
      found.add(new Category((int) rows[i], (float) rows[i + 1], session.label((int) rows[i])));
    }
    return Collections.unmodifiableList(found);
  }

  /** The names of all classes; empty when the model's file has none. */
  public List<String> labels() {
    return session.labels;
  }

  /** Gives the memory back; a second time it does nothing. */
  @Override
  public void close() {
    session.close();
  }
}
