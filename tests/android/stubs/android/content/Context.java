// SPDX-License-Identifier: Apache-2.0
package android.content;

import android.content.res.AssetManager;
import java.io.File;

public abstract class Context {
    public File getCacheDir() { return null; }
    public File getFilesDir() { return null; }
    public AssetManager getAssets() { return null; }
}
