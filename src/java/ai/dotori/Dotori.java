// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** The library as a whole. */
public final class Dotori {
  private Dotori() {}

  /** For example "0.1.0". */
  public static String version() {
    return Text.of(Native.version());
  }

  /** Rises by one with each addition to the C API below. */
  public static int abiVersion() {
    return Native.abiVersion();
  }

  /** The vector instructions the kernels use on this machine: "avx2", "avx512", "avx512_vnni", "neon", "neon_dot" or "none". */
  public static String instructionSet() {
    return Text.of(Native.instructionSet());
  }
}
