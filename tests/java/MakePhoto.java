// SPDX-License-Identifier: Apache-2.0
import ai.dotori.Image;
import ai.dotori.Photo;

/** MakePhoto FILE.png: a picture of 300 x 200 pixels with edges and slopes. */
public final class MakePhoto {
  public static void main(String[] args) {
    int[] argb = new int[300 * 200];
    for (int i = 0; i < argb.length; ++i) {
      int x = i % 300;
      int y = i / 300;
      argb[i] = (x * y / 90 & 255) << 16 | (x / 20 + y / 30) % 2 * 200 << 8 | (3 * y & 255);
    }
    try (Image image = Photo.argb(argb, 300, 200).toImage()) {
      image.savePng(args[0]);
    }
  }
}
