// SPDX-License-Identifier: Apache-2.0
package android.widget;

import android.content.Context;

public class CheckBox extends Button {
    public CheckBox(Context context) { super(context); }
    public boolean isChecked() { return false; }
}
