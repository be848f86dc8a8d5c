// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** A thing in a photo; coordinates are pixels of the upright photo, x0 &lt; x1, y0 &lt; y1. */
public final class Box {
  private final float[] sides;
  private final int classIndex;
  private final float score;
  private final String label;

  Box(float x0, float y0, float x1, float y1, int classIndex, float score, String label) {
    this.sides = new float[] {x0, y0, x1, y1};
    this.classIndex = classIndex;
    this.score = score;
    this.label = label;
  }

  public float x0() {
    return sides[0];
  }

  public float y0() {
    return sides[1];
  }

  public float x1() {
    return sides[2];
  }

  public float y1() {
    return sides[3];
  }

  public int classIndex() {
    return classIndex;
  }

  /** 0 to 1. */
  public float score() {
    return score;
  }

  /** Empty where the model's file has none. */
  public String label() {
    return label;
  }

  @Override
  public String toString() {
    return label + " (" + classIndex + ") " + score + " at " + x0() + ", " + y0() + ", " + x1() + ", " + y1();
  }
}
