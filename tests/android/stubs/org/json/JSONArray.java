// SPDX-License-Identifier: Apache-2.0
package org.json;

public class JSONArray {
    public int length() { return 0; }
    public JSONObject getJSONObject(int index) throws JSONException { throw new JSONException(""); }
}
