// SPDX-License-Identifier: Apache-2.0
package android.graphics;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

public final class BitmapFactory {
    private BitmapFactory() {}

    public static Bitmap decodeByteArray(byte[] data, int offset, int length) {
        try {
            BufferedImage image = ImageIO.read(new ByteArrayInputStream(data, offset, length));
            return image == null ? null : new Bitmap(image);
        } catch (IOException e) {
            return null;
        }
    }
}
