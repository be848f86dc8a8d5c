// SPDX-License-Identifier: Apache-2.0
package android.content;

import android.os.Parcelable;

public class Intent {
    public static final int FLAG_GRANT_WRITE_URI_PERMISSION = 2;
    public Intent(String action) {}
    public Intent putExtra(String name, Parcelable value) { return this; }
    public Intent addFlags(int flags) { return this; }
}
