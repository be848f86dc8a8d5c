// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Says what each pixel of a photo belongs to. For one thread at a time: another one gets {@link ErrorCode#BUSY}. */
public final class Segmenter implements AutoCloseable {
  private static final int ROW = 9;

  private final PhotoSession session;

  public Segmenter(Model model) {
    this(model, new SessionOptions());
  }

  /** The model may be closed afterwards. */
  public Segmenter(Model model, SessionOptions options) {
    session = new PhotoSession(model, options, Task.SEGMENTATION);
  }

  /** The mask and all its regions. */
  public Segmentation segment(Photo photo) {
    return segment(photo, 1);
  }

  /** The mask, and its regions of at least {@code minPixels}. */
  public Segmentation segment(Photo photo, long minPixels) {
    int[] size;
    byte[] mask;
    double[] rows;
    long id = session.begin(photo);
    try {
      size = Native.photoSize(id);
      mask = Native.mask(id);
      rows = Native.regions(id, minPixels);
    } finally {
      session.end();
    }
    List<Region> regions = new ArrayList<>(rows.length / ROW);
    for (int i = 0; i < rows.length; i += ROW) {
      regions.add(new Region(Arrays.copyOfRange(rows, i, i + ROW), session.label((int) rows[i])));
    }
    return new Segmentation(size[0], size[1], mask, Collections.unmodifiableList(regions));
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
