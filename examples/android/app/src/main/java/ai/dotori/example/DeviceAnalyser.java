// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import ai.dotori.Box;
import ai.dotori.Category;
import ai.dotori.Classifier;
import ai.dotori.Detector;
import ai.dotori.DotoriException;
import ai.dotori.Model;
import ai.dotori.Segmentation;
import ai.dotori.Segmenter;
import ai.dotori.SessionOptions;
import android.content.Context;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

/** Runs a network on the phone: assets/classify.dtr, detect.dtr or segment.dtr. One thread at a time. */
final class DeviceAnalyser implements Analyser, AutoCloseable {
    private static final int THREADS = 4, TOP = 5;

    private final String task;
    private Classifier classifier;
    private Detector detector;
    private Segmenter segmenter;

    /** `task`: classify, detect or segment. */
    DeviceAnalyser(Context context, String task) throws IOException {
        this.task = task;
        String asset = task + ".dtr";
        SessionOptions options = new SessionOptions().threads(THREADS);
        try (Model model = Model.load(read(context, asset), asset)) {
            switch (task) {
                case "classify": classifier = new Classifier(model, options); break;
                case "detect": detector = new Detector(model, options); break;
                case "segment": segmenter = new Segmenter(model, options); break;
                default: throw new IllegalArgumentException(task);
            }
        } catch (DotoriException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    String task() {
        return task;
    }

    @Override
    public Answer analyse(Photo photo) throws IOException {
        ai.dotori.Photo pixels = ai.dotori.Photo.argb(photo.argb(), photo.width(), photo.height());
        Answer answer = new Answer();
        try {
            if (classifier != null) {
                for (Category c : classifier.classify(pixels, TOP)) answer.lines.add(Answer.percent(c.label(), c.score()));
            } else if (detector != null) {
                for (Box b : detector.detect(pixels)) {
                    answer.frames.add(new Answer.Frame(b.x0(), b.y0(), b.x1(), b.y1(), Answer.percent(b.label(), b.score()),
                            b.classIndex()));
                }
            } else {
                Segmentation segmentation = segmenter.segment(pixels);
                answer.mask = segmentation.mask();
                answer.maskWidth = segmentation.width();
                answer.maskHeight = segmentation.height();
            }
        } catch (DotoriException e) {
            throw new IOException(e.getMessage(), e);
        }
        return answer;
    }

    @Override
    public void close() {
        if (classifier != null) classifier.close();
        if (detector != null) detector.close();
        if (segmenter != null) segmenter.close();
    }

    private static byte[] read(Context context, String asset) throws IOException {
        try (InputStream in = context.getAssets().open(asset)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] part = new byte[65536];
            for (int n = in.read(part); n > 0; n = in.read(part)) bytes.write(part, 0, n);
            return bytes.toByteArray();
        } catch (FileNotFoundException e) {
            throw new IOException("the app was built without app/src/main/assets/" + asset, e);
        }
    }
}
