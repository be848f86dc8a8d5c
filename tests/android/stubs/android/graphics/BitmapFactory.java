// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public class BitmapFactory {
    public static class Options {
        public boolean inJustDecodeBounds;
        public int inSampleSize, outWidth, outHeight;
    }
    public static Bitmap decodeFile(String path, Options options) { return null; }
    public static Bitmap decodeByteArray(byte[] data, int offset, int length) { return null; }
}
