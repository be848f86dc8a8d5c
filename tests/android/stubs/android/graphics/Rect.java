// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public final class Rect {}
