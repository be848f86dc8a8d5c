// SPDX-License-Identifier: Apache-2.0
package android.view;

import android.content.Context;
import android.graphics.Canvas;

public class View {
    public interface OnClickListener { void onClick(View view); }
    public View(Context context) {}
    public final int getWidth() { return 0; }
    public final int getHeight() { return 0; }
    public void invalidate() {}
    protected void onDraw(Canvas canvas) {}
    public void setOnClickListener(OnClickListener listener) {}
    public void setFitsSystemWindows(boolean fits) {}
}
