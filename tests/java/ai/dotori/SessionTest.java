// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import static ai.dotori.Samples.assertClosed;
import static ai.dotori.Samples.assertError;
import static ai.dotori.Samples.assertInvalid;
import static ai.dotori.Samples.assertNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class SessionTest {
  private static final int ELEMENTS = 8 * 8 * 3;

  private static float[] ramp() {
    float[] elements = new float[ELEMENTS];
    for (int i = 0; i < ELEMENTS; ++i) elements[i] = i - 50.5f;
    return elements;
  }

  @Test
  void viewsAreTheSessionsMemory() {
    try (Session session = Samples.session("plain")) {
      ByteBuffer in = session.input(0).buffer();
      assertTrue(in.isDirect());
      assertEquals(ByteOrder.nativeOrder(), in.order());
      assertEquals(4 * ELEMENTS, in.capacity());
      in.asFloatBuffer().put(ramp());
      session.run();
      float[] out = new float[ELEMENTS];
      session.output(0).buffer().asFloatBuffer().get(out);
      assertArrayEquals(ramp(), out);
      // Every view has its own position and shows the same bytes.
      in.position(4);
      assertEquals(0, session.input(0).buffer().position());
      in.putFloat(0, 17);
      assertEquals(17, session.input(0).buffer().getFloat(0));
      assertEquals(17, session.input(0).buffer().asFloatBuffer().get(0));
    }
  }

  @Test
  void copies() {
    try (Session session = Samples.session("plain")) {
      session.setInput(0, ramp());
      session.run();
      float[] out = new float[ELEMENTS];
      session.getOutput(0, out);
      assertArrayEquals(ramp(), out);
      byte[] bytes = new byte[4 * ELEMENTS];
      session.getOutput(0, bytes);
      assertEquals(out[5], ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getFloat(20));
      session.setInput(0, new byte[4 * ELEMENTS]);
      session.run();
      session.getOutput(0, out);
      assertArrayEquals(new float[ELEMENTS], out);
    }
  }

  @Test
  void options() {
    try (Model model = Samples.model("wide")) {
      try (Session session = new Session(model)) {
        assertEquals(Backend.CPU, session.backend());
        assertEquals(1, session.threads());
        assertTrue(session.arenaBytes() > 0);
        assertTrue(session.packedBytes() > 0);
      }
      SessionOptions options = new SessionOptions().backend(Backend.REFERENCE).threads(2);
      try (Session session = new Session(model, options)) {
        assertEquals(Backend.REFERENCE, session.backend());
        assertEquals(2, session.threads());
      }
      long all = CoreClass.ALL.mask();
      assertTrue(all != 0);
      assertEquals(all, CoreClass.BIG.mask() | CoreClass.LITTLE.mask());
      try (Session session = new Session(model, new SessionOptions().cores(CoreClass.LITTLE).threads(-1))) {
        assertEquals(CoreClass.LITTLE.mask(), session.coreMask());
        session.run();
      }
      long one = Long.highestOneBit(all);
      try (Session session = new Session(model, new SessionOptions().coreMask(one).threads(-1))) {
        assertEquals(one, session.coreMask());
        assertEquals(1, session.threads());
        session.run();
      }
      if (all != -1) assertInvalid("core_mask", () -> new Session(model, new SessionOptions().coreMask(-1)));
      assertNull("cores", () -> new SessionOptions().cores(null));
      assertInvalid("65", () -> new Session(model, new SessionOptions().threads(65)));
      assertError(ErrorCode.OUT_OF_MEMORY, "", () -> new Session(model, new SessionOptions().maxMemoryBytes(1000)));
      assertInvalid("-1", () -> new SessionOptions().maxMemoryBytes(-1));
      assertNull("backend", () -> new SessionOptions().backend(null));
      assertNull("options", () -> new Session(model, null));
      assertNull("model", () -> new Session(null));
    }
  }

  @Test
  void wrongSizes() {
    try (Session session = Samples.session("plain")) {
      for (int elements : new int[] {0, 1, ELEMENTS - 1, ELEMENTS + 1}) {
        assertInvalid(String.valueOf(4 * ELEMENTS), () -> session.setInput(0, new float[elements]));
        assertInvalid(String.valueOf(4 * ELEMENTS), () -> session.getOutput(0, new float[elements]));
      }
      assertInvalid(String.valueOf(4 * ELEMENTS), () -> session.setInput(0, new byte[ELEMENTS]));
      assertInvalid("", () -> session.setInput(1, new byte[ELEMENTS]));
      assertInvalid("", () -> session.getOutput(-1, new byte[ELEMENTS]));
      assertInvalid("", () -> session.input(1));
      assertInvalid("", () -> session.output(-1));
      assertNull("bytes", () -> session.setInput(0, (byte[]) null));
      assertNull("elements", () -> session.getOutput(0, (float[]) null));
      assertNull("photo", () -> session.fill(null));
    }
  }

  @Test
  void closes() {
    Session session = Samples.session("plain");
    Tensor input = session.input(0);
    session.close();
    session.close();
    assertClosed(session::run);
    assertClosed(session::threads);
    assertClosed(session::inputCount);
    assertClosed(() -> session.input(0));
    assertClosed(() -> session.output(0));
    assertClosed(() -> session.setInput(0, new float[ELEMENTS]));
    assertClosed(() -> session.getOutput(0, new byte[4 * ELEMENTS]));
    assertClosed(() -> session.fill(Photo.argb(new int[64], 8, 8)));
    assertClosed(input::buffer);
  }

  // A view outlives its session: reading it must not touch memory that went back.
  @Test
  void viewsKeepTheMemory() throws InterruptedException {
    // Those of other tests.
    for (int i = 0; i < 100 && SessionMemory.waiting() > 0; ++i) collectGarbage();
    List<FloatBuffer> views = new ArrayList<>();
    for (int i = 0; i < 20; ++i) {
      try (Session session = Samples.session("plain")) {
        FloatBuffer view = session.input(0).buffer().slice().order(ByteOrder.nativeOrder()).asFloatBuffer();
        view.put(0, i);
        views.add(view);
      }
    }
    collectGarbage();
    assertEquals(20, SessionMemory.waiting());
    for (int i = 0; i < 20; ++i) assertEquals(i, views.get(i).get(0));
    views.clear();
    for (int i = 0; i < 100 && SessionMemory.waiting() > 0; ++i) collectGarbage();
    assertEquals(0, SessionMemory.waiting());
    // Without views nothing waits.
    Samples.session("plain").close();
    assertEquals(0, SessionMemory.waiting());
  }

  private static void collectGarbage() throws InterruptedException {
    System.gc();
    Thread.sleep(20);
  }

  @Test
  void oneThreadAtATime() throws InterruptedException {
    AtomicInteger busy = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    AtomicReference<Throwable> other = new AtomicReference<>();
    try (Session session = Samples.session("wide")) {
      Thread[] threads = new Thread[3];
      for (int t = 0; t < threads.length; ++t) {
        threads[t] = new Thread(() -> {
          for (int i = 0; i < 2000 && busy.get() == 0; ++i) {
            try {
              session.run();
              done.incrementAndGet();
            } catch (DotoriException e) {
              if (e.code() == ErrorCode.BUSY) busy.incrementAndGet();
              else other.set(e);
            } catch (Throwable e) {
              other.set(e);
            }
          }
        });
      }
      for (Thread thread : threads) thread.start();
      for (Thread thread : threads) thread.join();
      assertEquals(null, other.get());
      assertNotEquals(0, busy.get());
      assertNotEquals(0, done.get());
      session.run();
    }
  }

  // Each call runs, is busy, or meets a closed session.
  @Test
  void closeWhileOthersRun() throws InterruptedException {
    for (int round = 0; round < 20; ++round) {
      AtomicReference<Throwable> other = new AtomicReference<>();
      Session session = Samples.session(round % 2 == 0 ? "plain" : "wide");
      if (round % 4 >= 2) session.input(0).buffer();
      Thread[] threads = new Thread[3];
      for (int t = 0; t < threads.length; ++t) {
        threads[t] = new Thread(() -> {
          for (;;) {
            try {
              session.run();
            } catch (IllegalStateException e) {
              return;
            } catch (DotoriException e) {
              if (e.code() != ErrorCode.BUSY && !e.getMessage().contains("closed")) other.set(e);
            } catch (Throwable e) {
              other.set(e);
              return;
            }
          }
        });
      }
      for (Thread thread : threads) thread.start();
      Thread.yield();
      session.close();
      for (Thread thread : threads) thread.join();
      assertEquals(null, other.get());
    }
  }
}
