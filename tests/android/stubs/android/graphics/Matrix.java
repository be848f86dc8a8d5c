// SPDX-License-Identifier: Apache-2.0
package android.graphics;

public class Matrix {
    public boolean postRotate(float degrees) { return false; }
}
