// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** Cores of a machine with large and small ones; where they are alike each class is all of them. */
public enum CoreClass {
  /** Every core. */
  ALL,
  /** All but the little ones. */
  BIG,
  /** Those of the least capacity. */
  LITTLE;

  /** Those of this class that the calling thread may use now: bit i is CPU i, of the first 64. */
  public long mask() {
    return Native.coreMask(ordinal());
  }
}
