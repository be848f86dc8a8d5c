// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.os.Bundle;
import android.provider.MediaStore;
import android.view.View;
import android.widget.Button;
import android.widget.CheckBox;
import android.widget.EditText;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Take a photo, see it, have it analysed on the phone or by an edge server, see the answer over the photo. */
public final class MainActivity extends Activity {
    private static final int TAKE_PHOTO = 1;

    private final ExecutorService worker = Executors.newSingleThreadExecutor();
    private ResultView view;
    private TextView status;
    private CheckBox onServer;
    private EditText server;
    private DeviceAnalyser device;  // the worker's
    private Photo photo;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        view = new ResultView(this);
        status = new TextView(this);
        onServer = new CheckBox(this);
        onServer.setText("Use the edge server at");
        server = new EditText(this);
        server.setSingleLine(true);
        server.setText("http://192.168.1.10:8080");

        LinearLayout buttons = new LinearLayout(this);
        buttons.addView(button("Take photo", v -> takePhoto()));
        buttons.addView(button("Classify", v -> analyse("classify")));
        buttons.addView(button("Detect", v -> analyse("detect")));
        buttons.addView(button("Segment", v -> analyse("segment")));
        LinearLayout page = new LinearLayout(this);
        page.setOrientation(LinearLayout.VERTICAL);
        page.setFitsSystemWindows(true);
        page.addView(onServer);
        page.addView(server);
        page.addView(buttons);
        page.addView(status);
        page.addView(view, new LinearLayout.LayoutParams(LinearLayout.LayoutParams.MATCH_PARENT, 0, 1));
        setContentView(page);
    }

    @Override
    protected void onDestroy() {
        worker.execute(() -> {
            if (device != null) device.close();
            device = null;
        });
        worker.shutdown();
        super.onDestroy();
    }

    private Button button(String text, View.OnClickListener action) {
        Button button = new Button(this);
        button.setText(text);
        button.setOnClickListener(action);
        return button;
    }

    private void takePhoto() {
        Intent intent = new Intent(MediaStore.ACTION_IMAGE_CAPTURE);
        intent.putExtra(MediaStore.EXTRA_OUTPUT, PhotoProvider.URI);
        intent.addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION);
        try {
            startActivityForResult(intent, TAKE_PHOTO);
        } catch (ActivityNotFoundException e) {
            status.setText("There is no camera app.");
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (request != TAKE_PHOTO || result != RESULT_OK) return;
        worker.execute(() -> {
            try {
                Photo taken = Photo.load(PhotoProvider.file(this));
                runOnUiThread(() -> {
                    photo = taken;
                    view.show(taken, null);
                    status.setText(taken.width() + " x " + taken.height());
                });
            } catch (Exception e) {
                fail(e);
            }
        });
    }

    private void analyse(String task) {
        Photo current = photo;
        if (current == null) {
            status.setText("Take a photo first.");
            return;
        }
        boolean remote = onServer.isChecked();
        String address = server.getText().toString();
        status.setText(remote ? "Asking " + address : "Thinking");
        worker.execute(() -> {
            try {
                long start = System.nanoTime();
                Answer answer = analyser(remote, address, task).analyse(current);
                answer.milliseconds = (System.nanoTime() - start) / 1000000;
                runOnUiThread(() -> {
                    view.show(current, answer);
                    status.setText(answer.milliseconds + " ms");
                });
            } catch (Exception e) {
                fail(e);
            }
        });
    }

    private Analyser analyser(boolean remote, String address, String task) throws Exception {
        if (remote) return new ServerAnalyser(address, task);
        if (device == null || !device.task().equals(task)) {
            if (device != null) device.close();
            device = null;
            device = new DeviceAnalyser(this, task);
        }
        return device;
    }

    private void fail(Exception e) {
        runOnUiThread(() -> status.setText(e.getMessage() == null ? e.toString() : e.getMessage()));
    }
}
