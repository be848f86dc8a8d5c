// SPDX-License-Identifier: Apache-2.0
package android.graphics;

import java.awt.image.BufferedImage;

/** As much of Android's Bitmap as the example's server client uses, on this machine's images. */
public final class Bitmap {
    private final BufferedImage image;

    Bitmap(BufferedImage image) {
        this.image = image;
    }

    public int getWidth() {
        return image.getWidth();
    }

    public int getHeight() {
        return image.getHeight();
    }

    /** Gray images as Android gives them: the same number in red, green and blue. */
    public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
        for (int row = 0; row < height; ++row) {
            for (int column = 0; column < width; ++column) {
                int gray = image.getRaster().getSample(x + column, y + row, 0);
                pixels[offset + row * stride + column] = 0xFF000000 | gray << 16 | gray << 8 | gray;
            }
        }
    }
}
