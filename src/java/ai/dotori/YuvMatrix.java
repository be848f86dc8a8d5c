// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** How a camera's YUV is turned into RGB. */
public enum YuvMatrix {
  /** What Android's cameras deliver. */
  BT601_FULL,
  BT601_LIMITED,
  BT709_FULL,
  BT709_LIMITED
}
