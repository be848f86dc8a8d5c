// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** Who runs the operators. */
public enum Backend {
  /** The fastest kernels the machine has. */
  CPU,
  /** Plain C++ kernels only: slow, the specification. */
  REFERENCE
}
