// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public class RectF {
    public float left, top, right, bottom;
    public RectF(float left, float top, float right, float bottom) {}
}
