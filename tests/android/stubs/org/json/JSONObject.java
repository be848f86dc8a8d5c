// SPDX-License-Identifier: Apache-2.0
package org.json;

public class JSONObject {
    public JSONObject(String text) throws JSONException {}
    public boolean has(String name) { return false; }
    public String optString(String name) { return ""; }
    public int optInt(String name) { return 0; }
    public double getDouble(String name) throws JSONException { throw new JSONException(name); }
    public String getString(String name) throws JSONException { throw new JSONException(name); }
    public JSONArray optJSONArray(String name) { return null; }
}
