// SPDX-License-Identifier: Apache-2.0
import ai.dotori.Box;
import ai.dotori.Category;
import ai.dotori.Classifier;
import ai.dotori.Detector;
import ai.dotori.Dotori;
import ai.dotori.DotoriException;
import ai.dotori.ErrorCode;
import ai.dotori.Image;
import ai.dotori.Model;
import ai.dotori.Photo;
import ai.dotori.Segmentation;
import ai.dotori.Segmenter;
import ai.dotori.Session;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * SelfCheck FOLDER: the networks of make_models.cc in FOLDER answer as their photos say, and misuse is refused. Needs
 * no test framework, which takes minutes to start on an emulated processor. Prints one line a part; exits with 1 at the
 * first fault.
 */
public final class SelfCheck {
  private static final int RED = 0xFFFF0000;
  private static final int GREEN = 0xFF00FF00;

  private static int checks;

  private interface Call {
    void run();
  }

  private static void check(boolean right, String what) {
    ++checks;
    if (right) return;
    System.out.println("SelfCheck: " + what);
    System.exit(1);
  }

  private static void refused(ErrorCode code, String part, Call call) {
    try {
      call.run();
    } catch (DotoriException e) {
      check(e.code() == code && e.getMessage().contains(part), "expected " + code + ", " + part + "; found " + e);
      return;
    }
    check(false, "accepted, expected " + code + ", " + part);
  }

  private static void closed(Call call) {
    try {
      call.run();
    } catch (IllegalStateException e) {
      check(e.getMessage().contains("closed"), e.toString());
      return;
    }
    check(false, "a closed object was used");
  }

  private static void classify(String folder) {
    int[] argb = new int[64];
    Arrays.fill(argb, 0xFF0033FF);
    double sum = Math.exp(0) + Math.exp(0.2) + Math.exp(1);
    try (Model model = Model.load(folder + "/classifier.dtr"); Classifier classifier = new Classifier(model)) {
      List<Category> found = classifier.classify(Photo.argb(argb, 8, 8), 2);
      check(found.size() == 2 && found.get(0).index() == 2 && found.get(1).index() == 1, "classes: " + found);
      check(Math.abs(found.get(0).score() - Math.exp(1) / sum) < 1e-6, "score: " + found);
      check(found.get(1).label().equals("\uB3C4\uD1A0\uB9AC"), "label: " + found);
      check(found.get(0).label().codePointAt(0) == 0x1F330, "label: " + found);
    }
    System.out.println("classifier: right");
  }

  private static void detect(String folder) {
    int[] argb = new int[64];
    argb[2 * 8 + 3] = RED | GREEN;
    try (Model model = Model.load(folder + "/detector.dtr"); Detector detector = new Detector(model)) {
      List<Box> found = detector.detect(Photo.argb(argb, 8, 8));
      check(found.size() == 1 && found.get(0).label().equals("one"), "boxes: " + found);
      Box box = found.get(0);
      double off = Math.abs(box.x0() - 2) + Math.abs(box.y0() - 1) + Math.abs(box.x1() - 5) + Math.abs(box.y1() - 4);
      check(off < 1e-4, "box: " + box);
    }
    System.out.println("detector: right");
  }

  private static void segment(String folder) {
    int[] argb = new int[64];
    for (int i = 0; i < 64; ++i) argb[i] = i % 8 < 3 ? GREEN : RED;
    try (Model model = Model.load(folder + "/segmenter.dtr"); Segmenter segmenter = new Segmenter(model)) {
      Segmentation found = segmenter.segment(Photo.argb(argb, 8, 8));
      for (int i = 0; i < 64; ++i) check(found.classAt(i % 8, i / 8) == (i % 8 < 3 ? 1 : 0), "mask at " + i);
      check(found.regions().size() == 1 && found.regions().get(0).pixels() == 24, "regions: " + found.regions());
    }
    System.out.println("segmenter: right");
  }

  // A camera picture whose left half is bright: after a clockwise quarter turn that is the upper half.
  private static void camera(String folder) {
    byte[] nv21 = new byte[16 * 16 * 3 / 2];
    for (int i = 0; i < 256; ++i) nv21[i] = (byte) (i % 16 < 8 ? 200 : 50);
    Arrays.fill(nv21, 256, nv21.length, (byte) 128);
    ByteBuffer direct = ByteBuffer.allocateDirect(nv21.length);
    direct.put(nv21);
    direct.flip();
    try (Model model = Model.load(folder + "/plain.dtr"); Session session = new Session(model)) {
      for (Photo photo : new Photo[] {Photo.nv21(nv21, 16, 16, 90), Photo.nv21(direct, 16, 16, 90)}) {
        session.setInput(0, new float[192]);
        session.fill(photo);
        session.run();
        float[] out = new float[192];
        session.getOutput(0, out);
        check(Math.abs(out[0] - 200f / 255) < 1e-2 && Math.abs(out[21] - 200f / 255) < 1e-2, "upper row: " + out[0]);
        check(Math.abs(out[168] - 50f / 255) < 1e-2 && Math.abs(out[191] - 50f / 255) < 1e-2, "lower row: " + out[168]);
      }
    }
    System.out.println("camera: right");
  }

  private static void misuse(String folder) {
    Model model = Model.load(folder + "/plain.dtr");
    Session session = new Session(model);
    FloatBuffer view = session.input(0).buffer().asFloatBuffer();
    view.put(0, 0.25f);
    session.run();
    check(session.output(0).buffer().asFloatBuffer().get(0) == 0.25f, "the output is not the input");
    refused(ErrorCode.INVALID_ARGUMENT, "768", () -> session.setInput(0, new float[191]));
    refused(ErrorCode.NOT_FOUND, "none.dtr", () -> Model.load("/none.dtr"));
    refused(ErrorCode.CORRUPT_MODEL, "three bytes", () -> Model.load(new byte[3], "three bytes"));
    refused(ErrorCode.UNSUPPORTED, "'plain'", () -> new Classifier(model));
    refused(ErrorCode.INVALID_ARGUMENT, "45", () -> session.fill(Photo.nv21(new byte[96], 8, 8, 45)));
    session.close();
    session.close();
    model.close();
    model.close();
    closed(session::run);
    closed(model::name);
    System.gc();
    check(view.get(0) == 0.25f, "a view outlived its memory");
    System.out.println("misuse: refused");
  }

  private static void threads(String folder) throws InterruptedException {
    int[] busyDoneOther = new int[3];
    try (Model model = Model.load(folder + "/plain.dtr"); Session session = new Session(model)) {
      Thread[] threads = new Thread[2];
      for (int t = 0; t < threads.length; ++t) {
        threads[t] = new Thread(() -> {
          for (int i = 0; i < 500; ++i) {
            int which = 1;
            try {
              session.run();
            } catch (DotoriException e) {
              which = e.code() == ErrorCode.BUSY ? 0 : 2;
            }
            synchronized (busyDoneOther) {
              ++busyDoneOther[which];
            }
          }
        });
      }
      for (Thread thread : threads) thread.start();
      for (Thread thread : threads) thread.join();
    }
    check(busyDoneOther[2] == 0 && busyDoneOther[1] > 0, "threads: " + Arrays.toString(busyDoneOther));
    System.out.println("threads: right");
  }

  public static void main(String[] args) throws InterruptedException {
    classify(args[0]);
    detect(args[0]);
    segment(args[0]);
    camera(args[0]);
    misuse(args[0]);
    threads(args[0]);
    try (Image image = Photo.argb(new int[6], 3, 2).toImage()) {
      check(image.width() == 3 && image.height() == 2, "image");
    }
    String machine = System.getProperty("os.arch") + ", " + Dotori.instructionSet();
    System.out.println(String.format(Locale.ROOT, "all %d checks right (%s)", checks, machine));
  }
}
