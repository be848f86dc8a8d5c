// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Color;
import android.graphics.Paint;
import android.graphics.RectF;
import android.view.View;

/** The photo, as large as fits, with the answer drawn over it. */
final class ResultView extends View {
    private static final float TEXT_PARTS = 28;  // of the view's shorter side

    private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG | Paint.FILTER_BITMAP_FLAG);
    private Photo photo;
    private Answer answer;
    private Bitmap mask;

    ResultView(Context context) {
        super(context);
    }

    /** Either may be null. From the main thread. */
    void show(Photo newPhoto, Answer newAnswer) {
        photo = newPhoto;
        answer = newAnswer;
        mask = newAnswer == null || newAnswer.mask == null ? null : tint(newAnswer);
        invalidate();
    }

    /** A colour of its own for each class. */
    static int color(int classIndex, int alpha) {
        float hue = (classIndex * 137.508f) % 360;
        int rgb = Color.HSVToColor(new float[] {hue, 0.8f, 0.95f});
        return (alpha << 24) | (rgb & 0xFFFFFF);
    }

    private static Bitmap tint(Answer answer) {
        int[] pixels = new int[answer.mask.length];
        for (int i = 0; i < pixels.length; ++i) {
            int classIndex = answer.mask[i] & 0xFF;
            pixels[i] = classIndex == 0 ? 0 : color(classIndex, 128);
        }
        return Bitmap.createBitmap(pixels, answer.maskWidth, answer.maskHeight, Bitmap.Config.ARGB_8888);
    }

    @Override
    protected void onDraw(Canvas canvas) {
        super.onDraw(canvas);
        if (photo == null) return;
        float scale = Math.min((float) getWidth() / photo.width(), (float) getHeight() / photo.height());
        float left = (getWidth() - scale * photo.width()) / 2, top = (getHeight() - scale * photo.height()) / 2;
        RectF place = new RectF(left, top, left + scale * photo.width(), top + scale * photo.height());
        canvas.drawBitmap(photo.bitmap, null, place, paint);
        if (mask != null) canvas.drawBitmap(mask, null, place, paint);
        if (answer == null) return;
        float text = Math.min(getWidth(), getHeight()) / TEXT_PARTS;
        paint.setTextSize(text);
        paint.setStrokeWidth(text / 8);
        for (Answer.Frame f : answer.frames) {
            int color = color(f.classIndex, 255);
            RectF frame = new RectF(left + scale * f.left, top + scale * f.top, left + scale * f.right, top + scale * f.bottom);
            paint.setStyle(Paint.Style.STROKE);
            paint.setColor(color);
            canvas.drawRect(frame, paint);
            label(canvas, f.text, frame.left, Math.max(frame.top, top + 1.3f * text), color);
        }
        float y = top;
        for (String line : answer.lines) label(canvas, line, left, y += 1.3f * text, Color.BLACK);
    }

    /** White text whose panel stands on (x, bottom). */
    private void label(Canvas canvas, String line, float x, float bottom, int color) {
        float text = paint.getTextSize();
        paint.setStyle(Paint.Style.FILL);
        paint.setColor(color);
        canvas.drawRect(new RectF(x, bottom - 1.3f * text, x + paint.measureText(line) + text, bottom), paint);
        paint.setColor(Color.WHITE);
        canvas.drawText(line, x + text / 2, bottom - 0.35f * text, paint);
    }
}
