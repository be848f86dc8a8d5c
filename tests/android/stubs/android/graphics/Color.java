// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public class Color {
    public static final int BLACK = 0xFF000000, WHITE = 0xFFFFFFFF;
    public static int HSVToColor(float[] hsv) { return 0; }
}
