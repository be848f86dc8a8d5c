// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Matrix;
import android.media.ExifInterface;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;

/** A photo, upright and at most {@link #MAX_SIDE} pixels wide and high. */
final class Photo {
    /** More than any of the models reads, and small enough for every phone's memory. */
    static final int MAX_SIDE = 1600;

    final Bitmap bitmap;

    private Photo(Bitmap bitmap) {
        this.bitmap = bitmap;
    }

    static Photo load(File file) throws IOException {
        BitmapFactory.Options size = new BitmapFactory.Options();
        size.inJustDecodeBounds = true;
        BitmapFactory.decodeFile(file.getPath(), size);
        if (size.outWidth <= 0 || size.outHeight <= 0) throw new IOException("the camera app left no picture");
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inSampleSize = 1;
        while (Math.max(size.outWidth, size.outHeight) / options.inSampleSize > MAX_SIDE) options.inSampleSize *= 2;
        Bitmap decoded = BitmapFactory.decodeFile(file.getPath(), options);
        if (decoded == null) throw new IOException("the picture cannot be decoded");
        int degrees = degrees(new ExifInterface(file.getPath())
                .getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL));
        if (degrees == 0) return new Photo(decoded);
        Matrix turn = new Matrix();
        turn.postRotate(degrees);
        return new Photo(Bitmap.createBitmap(decoded, 0, 0, decoded.getWidth(), decoded.getHeight(), turn, true));
    }

    private static int degrees(int orientation) {
        switch (orientation) {
            case ExifInterface.ORIENTATION_ROTATE_90: return 90;
            case ExifInterface.ORIENTATION_ROTATE_180: return 180;
            case ExifInterface.ORIENTATION_ROTATE_270: return 270;
            default: return 0;
        }
    }

    int width() {
        return bitmap.getWidth();
    }

    int height() {
        return bitmap.getHeight();
    }

    int[] argb() {
        int[] pixels = new int[width() * height()];
        bitmap.getPixels(pixels, 0, width(), 0, 0, width(), height());
        return pixels;
    }

    byte[] jpeg() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bitmap.compress(Bitmap.CompressFormat.JPEG, 90, bytes);
        return bytes.toByteArray();
    }
}
