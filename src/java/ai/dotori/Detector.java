// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Finds things in a photo. For one thread at a time: another one gets {@link ErrorCode#BUSY}. */
public final class Detector implements AutoCloseable {
  private static final int ROW = 6;

  private final PhotoSession session;

  public Detector(Model model) {
    this(model, new SessionOptions());
  }

  /** The model may be closed afterwards. */
  public Detector(Model model, SessionOptions options) {
    session = new PhotoSession(model, options, Task.DETECTION);
  }

  /** Boxes, best first, with the thresholds of the model's file. */
  public List<Box> detect(Photo photo) {
    return detect(photo, 0, 0);
  }

  /**
   * Boxes, best first.
   *
   * @param scoreThreshold boxes below it are left out; 0: the model's
   * @param nmsIou of two boxes of a class that overlap more, the better one stays; 0: the model's
   */
  public List<Box> detect(Photo photo, float scoreThreshold, float nmsIou) {
    double[] rows;
    long id = session.begin(photo);
    try {
      rows = Native.boxes(id, scoreThreshold, nmsIou);
    } finally {
      session.end();
    }
    List<Box> found = new ArrayList<>(rows.length / ROW);
    for (int i = 0; i < rows.length; i += ROW) {
      int classIndex = (int) rows[i + 4];
      found.add(new Box((float) rows[i], (float) rows[i + 1], (float) rows[i + 2], (float) rows[i + 3], classIndex,
          (float) rows[i + 5], session.label(classIndex)));
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
