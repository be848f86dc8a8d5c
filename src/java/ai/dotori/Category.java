// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** A class of a photo. */
public final class Category {
  private final int index;
  private final float score;
  private final String label;

  Category(int index, float score, String label) {
    this.index = index;
    this.score = score;
    this.label = label;
  }

  public int index() {
    return index;
  }

  /** 0 to 1 where the network ends with probabilities. */
  public float score() {
    return score;
  }

  /** Empty where the model's file has none. */
  public String label() {
    return label;
  }

  @Override
  public String toString() {
    return label + " (" + index + ") " + score;
  }
}
