// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import java.util.ArrayList;
import java.util.List;

/** What was seen in a photo, whoever looked: lines of text, frames and a mask, as far as the model gives them. */
final class Answer {
    /** A frame in pixels of the analysed photo. */
    static final class Frame {
        final float left, top, right, bottom;
        final String text;
        final int classIndex;

        Frame(float left, float top, float right, float bottom, String text, int classIndex) {
            this.left = left;
            this.top = top;
            this.right = right;
            this.bottom = bottom;
            this.text = text;
            this.classIndex = classIndex;
        }
    }

    final List<String> lines = new ArrayList<>();
    final List<Frame> frames = new ArrayList<>();
    /** A class for each pixel, row by row, 0 for the background; null when there is no mask. */
    byte[] mask;
    int maskWidth, maskHeight;
    long milliseconds;

    static String percent(String label, double score) {
        return String.format(java.util.Locale.ROOT, "%s %.1f%%", label, 100 * score);
    }
}
