// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public class Paint {
    public static final int ANTI_ALIAS_FLAG = 1, FILTER_BITMAP_FLAG = 2;
    public enum Style { FILL, STROKE }
    public Paint(int flags) {}
    public void setTextSize(float size) {}
    public float getTextSize() { return 0; }
    public void setStrokeWidth(float width) {}
    public void setStyle(Style style) {}
    public void setColor(int color) {}
    public float measureText(String text) { return 0; }
}
