// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

/** What kind of error a {@link DotoriException} is about. */
public enum ErrorCode {
  /** A value the function does not accept. */
  INVALID_ARGUMENT,
  /** A file or a name does not exist. */
  NOT_FOUND,
  /** The file is damaged, truncated or inconsistent. */
  CORRUPT_MODEL,
  /** Well-formed, but an operator, option or version this build does not know. */
  UNSUPPORTED,
  /** An allocation failed or a stated budget would be passed. */
  OUT_OF_MEMORY,
  /** The operating system refused a read or a write. */
  IO_ERROR,
  /** Another thread is using the session. */
  BUSY,
  /** A defect in Dotori; please report it. */
  INTERNAL;

  // The order is that of dotori_code, which begins with "no error".
  static ErrorCode of(int code) {
    return code >= 1 && code <= values().length ? values()[code - 1] : INTERNAL;
  }
}
