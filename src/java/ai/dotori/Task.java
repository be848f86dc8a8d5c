// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** What a model's answers are. */
public enum Task {
  /** Tensors only. */
  NONE,
  CLASSIFICATION,
  DETECTION,
  SEGMENTATION
}
