// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public class Canvas {
    public void drawBitmap(Bitmap bitmap, Rect source, RectF target, Paint paint) {}
    public void drawRect(RectF rect, Paint paint) {}
    public void drawText(String text, float x, float y, Paint paint) {}
}
