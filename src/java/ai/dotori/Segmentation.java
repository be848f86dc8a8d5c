// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.util.List;

/** A class for each pixel of the upright photo. */
public final class Segmentation {
  private final int width;
  private final int height;
  private final byte[] mask;
  private final List<Region> regions;

  Segmentation(int width, int height, byte[] mask, List<Region> regions) {
    this.width = width;
    this.height = height;
    this.mask = mask;
    this.regions = regions;
  }

  public int width() {
    return width;
  }

  public int height() {
    return height;
  }

  /** Classes row by row, unsigned; the array itself, not a copy. */
  public byte[] mask() {
    return mask;
  }

  public int classAt(int x, int y) {
    if (x < 0 || y < 0 || x >= width || y >= height) {
      throw new IndexOutOfBoundsException(x + ", " + y + " in a mask of " + width + " x " + height);
    }
    return mask[y * width + x] & 255;
  }

  /** Connected areas of classes above 0, largest first. */
  public List<Region> regions() {
    return regions;
  }
}
