// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** One connected area of one class, in pixels of the upright photo. */
public final class Region {
  private final double[] row;
  private final String label;

  // class, x0, y0, x1, y1, pixels, centre x, centre y, equivalent diameter
  Region(double[] row, String label) {
    this.row = row;
    this.label = label;
  }

  public int classIndex() {
    return (int) row[0];
  }

  /** Empty where the model's file has none. */
  public String label() {
    return label;
  }

  /** Left side of the bounding box. */
  public int x0() {
    return (int) row[1];
  }

  /** Top of the bounding box. */
  public int y0() {
    return (int) row[2];
  }

  /** Right side of the bounding box, exclusive. */
  public int x1() {
    return (int) row[3];
  }

  /** Bottom of the bounding box, exclusive. */
  public int y1() {
    return (int) row[4];
  }

  public long pixels() {
    return (long) row[5];
  }

  public float centreX() {
    return (float) row[6];
  }

  public float centreY() {
    return (float) row[7];
  }

  /** Of the disc with as many pixels. */
  public float equivalentDiameter() {
    return (float) row[8];
  }

  @Override
  public String toString() {
    return label + " (" + classIndex() + ") " + pixels() + " pixels around " + centreX() + ", " + centreY();
  }
}
