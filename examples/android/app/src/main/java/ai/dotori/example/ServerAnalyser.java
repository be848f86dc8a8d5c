// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.util.Base64;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/**
 * Sends the photo as a JPEG to an edge server: POST /v1/classify, /v1/detect or /v1/segment. Answers:
 * <pre>
 *   {"classes": [{"index": 1, "label": "cat", "score": 0.93}, ...]}
 *   {"boxes": [{"x0": 3, "y0": 4, "x1": 50, "y1": 60, "class": 1, "label": "cat", "score": 0.93}, ...]}
 *   {"width": 640, "height": 480, "mask_png": "base64 of a gray PNG, a class for each pixel"}
 * </pre>
 * and {"error": "why"} with a status of 400 or above.
 */
final class ServerAnalyser implements Analyser {
    private static final int CONNECT_MS = 5000, READ_MS = 30000;
    private static final int MAX_ANSWER_BYTES = 16 << 20;

    private final URL url;
    private final String key; // null: none

    /** The server as [http[s]://][KEY@]HOST[:PORT]; KEY is its API key, percent-encoded where it is not letters and digits. */
    ServerAnalyser(String server, String task) throws IOException {
        try {
            URI address = new URI(server.contains("://") ? server : "http://" + server);
            if (address.getHost() == null) throw new IOException("no address of a server: " + server);
            key = address.getUserInfo();
            url = new URL(address.getScheme(), address.getHost(), address.getPort(), "/v1/" + task);
        } catch (URISyntaxException e) {
            throw new IOException("no address of a server: " + e.getMessage());
        }
    }

    @Override
    public Answer analyse(Photo photo) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        try {
            byte[] jpeg = photo.jpeg();
            connection.setConnectTimeout(CONNECT_MS);
            connection.setReadTimeout(READ_MS);
            connection.setRequestMethod("POST");
            connection.setRequestProperty("Content-Type", "image/jpeg");
            if (key != null) connection.setRequestProperty("X-API-Key", key);
            connection.setDoOutput(true);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(jpeg);
            }
            int status = connection.getResponseCode();
            String text = read(status < 400 ? connection.getInputStream() : connection.getErrorStream());
            JSONObject json;
            try {
                json = new JSONObject(text);
            } catch (JSONException e) {
                throw new IOException("the server's answer (status " + status + ") is not JSON");
            }
            if (status >= 400) throw new IOException("the server answered " + status + ": " + json.optString("error"));
            return answer(json);
        } catch (JSONException e) {
            throw new IOException("the server's answer is incomplete: " + e.getMessage());
        } finally {
            connection.disconnect();
        }
    }

    private static String read(InputStream in) throws IOException {
        if (in == null) return "";
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        for (int n = in.read(part); n > 0; n = in.read(part)) {
            bytes.write(part, 0, n);
            if (bytes.size() > MAX_ANSWER_BYTES) throw new IOException("the server's answer is too large");
        }
        return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }

    private static Answer answer(JSONObject json) throws JSONException, IOException {
        Answer answer = new Answer();
        JSONArray classes = json.optJSONArray("classes");
        for (int i = 0; classes != null && i < classes.length() && i < 5; ++i) {
            JSONObject c = classes.getJSONObject(i);
            answer.lines.add(Answer.percent(c.optString("label"), c.getDouble("score")));
        }
        JSONArray boxes = json.optJSONArray("boxes");
        for (int i = 0; boxes != null && i < boxes.length(); ++i) {
            JSONObject b = boxes.getJSONObject(i);
            answer.frames.add(new Answer.Frame((float) b.getDouble("x0"), (float) b.getDouble("y0"),
                    (float) b.getDouble("x1"), (float) b.getDouble("y1"),
                    Answer.percent(b.optString("label"), b.getDouble("score")), b.optInt("class")));
        }
        if (json.has("mask_png")) readMask(json.getString("mask_png"), answer);
        return answer;
    }

    private static void readMask(String base64, Answer answer) throws IOException {
        byte[] png = Base64.decode(base64, Base64.DEFAULT);
        Bitmap bitmap = BitmapFactory.decodeByteArray(png, 0, png.length);
        if (bitmap == null) throw new IOException("the server's mask cannot be decoded");
        answer.maskWidth = bitmap.getWidth();
        answer.maskHeight = bitmap.getHeight();
        int[] pixels = new int[answer.maskWidth * answer.maskHeight];
        bitmap.getPixels(pixels, 0, answer.maskWidth, 0, 0, answer.maskWidth, answer.maskHeight);
        answer.mask = new byte[pixels.length];
        for (int i = 0; i < pixels.length; ++i) answer.mask[i] = (byte) (pixels[i] & 0xFF);
    }
}
