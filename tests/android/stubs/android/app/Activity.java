// SPDX-License-Identifier: Apache-2.0
package android.app;

import android.content.Context;
import android.content.Intent;
import android.os.Bundle;
import android.view.View;

public class Activity extends Context {
    public static final int RESULT_OK = -1;
    protected void onCreate(Bundle state) {}
    protected void onDestroy() {}
    protected void onActivityResult(int request, int result, Intent data) {}
    public void setContentView(View view) {}
    public void startActivityForResult(Intent intent, int request) {}
    public final void runOnUiThread(Runnable action) {}
}
