// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** What the elements of a tensor are. */
public enum DataType {
  FLOAT32(4),
  INT8(1),
  UINT8(1),
  INT32(4),
  INT64(8),
  BOOL(1);

  private final int bytes;

  DataType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
