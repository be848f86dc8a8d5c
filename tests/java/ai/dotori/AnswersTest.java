// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import static ai.dotori.Samples.BLUE;
import static ai.dotori.Samples.GREEN;
import static ai.dotori.Samples.RED;
import static ai.dotori.Samples.YELLOW;
import static ai.dotori.Samples.assertClosed;
import static ai.dotori.Samples.assertError;
import static ai.dotori.Samples.assertInvalid;
import static ai.dotori.Samples.assertNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class AnswersTest {
  private static Photo plain(int colour) {
    int[] argb = new int[64];
    Arrays.fill(argb, colour);
    return Photo.argb(argb, 8, 8);
  }

  private static Photo dots(int... placesAndColours) {
    int[] argb = new int[64];
    for (int i = 0; i < placesAndColours.length; i += 2) argb[placesAndColours[i]] = placesAndColours[i + 1];
    return Photo.argb(argb, 8, 8);
  }

  @Test
  void classifies() {
    try (Model model = Samples.model("classifier"); Classifier classifier = new Classifier(model)) {
      assertEquals(model.labels(), classifier.labels());
      List<Category> found = classifier.classify(plain(0xFF0033FF), 3);
      // Softmax over the means 0, 0.2 and 1.
      double sum = Math.exp(0) + Math.exp(0.2) + Math.exp(1);
      double[] expected = {Math.exp(1) / sum, Math.exp(0.2) / sum, Math.exp(0) / sum};
      assertEquals(3, found.size());
      for (int i = 0; i < 3; ++i) {
        assertEquals(2 - i, found.get(i).index());
        assertEquals(expected[i], found.get(i).score(), 1e-6);
        assertEquals(model.labels().get(2 - i), found.get(i).label());
      }
      assertEquals(1, classifier.classify(plain(RED), 1).size());
      assertEquals(3, classifier.classify(plain(RED), 1000).size());
      assertInvalid("most is 0", () -> classifier.classify(plain(RED), 0));
      assertNull("photo", () -> classifier.classify(null, 1));
      // What failed left it usable.
      assertEquals("red", classifier.classify(plain(RED), 1).get(0).label());
    }
  }

  @Test
  void manyClasses() {
    try (Model model = Samples.model("wide"); Classifier classifier = new Classifier(model)) {
      List<Category> all = classifier.classify(Photo.argb(Samples.gradient(64, 48), 64, 48), 1 << 30);
      assertEquals(1000, all.size());
      double sum = 0;
      for (Category c : all) {
        sum += c.score();
        assertEquals("class " + c.index(), c.label());
      }
      assertEquals(1, sum, 1e-4);
    }
  }

  @Test
  void detects() {
    try (Model model = Samples.model("detector"); Detector detector = new Detector(model)) {
      List<Box> boxes = detector.detect(dots(2 * 8 + 2, YELLOW, 6 * 8 + 5, 0xFFFF00FF));
      assertEquals(2, boxes.size());
      for (Box box : boxes) {
        boolean one = box.classIndex() == 0;
        float x = one ? 2.5f : 5.5f;
        float y = one ? 2.5f : 6.5f;
        assertEquals(x - 1.5f, box.x0(), 1e-4);
        assertEquals(y - 1.5f, box.y0(), 1e-4);
        assertEquals(x + 1.5f, box.x1(), 1e-4);
        assertEquals(Math.min(8, y + 1.5f), box.y1(), 1e-4);
        assertEquals(one ? "one" : "two", box.label());
        assertTrue(box.score() > 0.99 && box.score() < 1, box.toString());
      }
      assertNotEquals(boxes.get(0).classIndex(), boxes.get(1).classIndex());
      assertEquals(0, detector.detect(plain(GREEN)).size());
      // In a larger photo boxes are larger.
      int[] large = new int[16 * 16];
      for (int i : new int[] {4 * 16 + 4, 4 * 16 + 5, 5 * 16 + 4, 5 * 16 + 5}) large[i] = YELLOW;
      Box twice = detector.detect(Photo.argb(large, 16, 16)).get(0);
      assertEquals(6, twice.x1() - twice.x0(), 1e-3);
      // A box at almost every pixel, once none is suppressed and none is too unlikely.
      int all = detector.detect(plain(-1), 1e-6f, 1).size();
      assertTrue(all > 64, "found " + all);
      assertTrue(detector.detect(plain(-1), 0.5f, 0.1f).size() < all);
      assertInvalid("score_threshold is 1.5", () -> detector.detect(plain(RED), 1.5f, 0));
      assertInvalid("nms_iou is -1", () -> detector.detect(plain(RED), 0, -1));
    }
  }

  @Test
  void segments() {
    try (Model model = Samples.model("segmenter"); Segmenter segmenter = new Segmenter(model)) {
      int[] argb = new int[64];
      Arrays.fill(argb, RED);
      for (int y = 1; y < 4; ++y) for (int x = 2; x < 6; ++x) argb[y * 8 + x] = GREEN;
      argb[7 * 8 + 7] = BLUE;
      Segmentation found = segmenter.segment(Photo.argb(argb, 8, 8));
      assertEquals(8, found.width());
      assertEquals(8, found.height());
      for (int i = 0; i < 64; ++i) {
        int expected = argb[i] == RED ? 0 : argb[i] == GREEN ? 1 : 2;
        assertEquals(expected, found.classAt(i % 8, i / 8));
        assertEquals(expected, found.mask()[i]);
      }
      assertEquals(2, found.regions().size());
      Region green = found.regions().get(0);
      assertEquals(1, green.classIndex());
      assertEquals(12, green.pixels());
      assertEquals("2 1 6 4", green.x0() + " " + green.y0() + " " + green.x1() + " " + green.y1());
      assertEquals(Math.sqrt(12 * 4 / Math.PI), green.equivalentDiameter(), 1e-5);
      // A pixel's own centre is half a pixel from its side.
      assertEquals(4, green.centreX(), 1e-6);
      assertEquals(2.5, green.centreY(), 1e-6);
      assertEquals(1, segmenter.segment(Photo.argb(argb, 8, 8), 2).regions().size());
      assertThrows(IndexOutOfBoundsException.class, () -> found.classAt(8, 0));
      // The mask has the photo's size, whatever that is.
      Segmentation small = segmenter.segment(Photo.argb(Samples.gradient(5, 3), 5, 3));
      assertEquals(15, small.mask().length);
    }
  }

  @Test
  void tasksDoNotMix() {
    try (Model model = Samples.model("segmenter")) {
      assertError(ErrorCode.UNSUPPORTED, "'segmenter' is for SEGMENTATION", () -> new Classifier(model));
      assertError(ErrorCode.UNSUPPORTED, "expected DETECTION", () -> new Detector(model));
    }
    assertNull("model", () -> new Segmenter(null));
  }

  @Test
  void closes() {
    try (Model c = Samples.model("classifier");
        Model d = Samples.model("detector");
        Model s = Samples.model("segmenter")) {
      Classifier classifier = new Classifier(c);
      Detector detector = new Detector(d);
      Segmenter segmenter = new Segmenter(s);
      for (int i = 0; i < 2; ++i) {
        classifier.close();
        detector.close();
        segmenter.close();
      }
      assertClosed(() -> classifier.classify(plain(RED), 1));
      assertClosed(() -> detector.detect(plain(RED)));
      assertClosed(() -> segmenter.segment(plain(RED)));
      assertEquals("one", detector.labels().get(0));
    }
  }

  // Answers belong to the photo of the same call, or the call is refused.
  @Test
  void threadsDoNotMixPhotos() throws InterruptedException {
    AtomicReference<Throwable> wrong = new AtomicReference<>();
    AtomicInteger right = new AtomicInteger();
    try (Model model = Samples.model("classifier"); Classifier classifier = new Classifier(model)) {
      int[] colours = {RED, GREEN, BLUE};
      Thread[] threads = new Thread[3];
      for (int t = 0; t < threads.length; ++t) {
        int expected = t;
        threads[t] = new Thread(() -> {
          for (int i = 0; i < 300; ++i) {
            try {
              if (classifier.classify(plain(colours[expected]), 1).get(0).index() == expected) right.incrementAndGet();
              else wrong.set(new AssertionError("another thread's photo"));
            } catch (DotoriException e) {
              if (e.code() != ErrorCode.BUSY) wrong.set(e);
            }
          }
        });
      }
      for (Thread thread : threads) thread.start();
      for (Thread thread : threads) thread.join();
      assertEquals(null, wrong.get());
      assertNotEquals(0, right.get());
    }
  }
}
