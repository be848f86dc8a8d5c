// SPDX-License-Identifier: Apache-2.0
package ai.dotori;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * A native session, kept until it is closed and no buffer over its memory can be reached: a buffer that outlived its
 * memory would bring the virtual machine down. Slices, duplicates and views of other types hold the buffer they were
 * made of.
 */
final class SessionMemory {
  private static final Object LOCK = new Object();
  private static final ReferenceQueue<ByteBuffer> UNREACHABLE = new ReferenceQueue<>();
  private static final Set<View> VIEWS = new HashSet<>();

  private static final class View extends PhantomReference<ByteBuffer> {
    final SessionMemory memory;

    View(ByteBuffer buffer, SessionMemory memory) {
      super(buffer, UNREACHABLE);
      this.memory = memory;
    }
  }

  private final long session;
  private int views;
  private boolean closed;

  SessionMemory(long session) {
    this.session = session;
    releaseUnreachable();
  }

  ByteBuffer view(int kind, int index) {
    synchronized (LOCK) {
      if (closed) throw new IllegalStateException("the session was closed");
      ByteBuffer buffer = Native.sessionTensorData(session, kind, index);
      VIEWS.add(new View(buffer, this));
      ++views;
      return buffer;
    }
  }

  void close() {
    synchronized (LOCK) {
      closed = true;
      if (views == 0) Native.sessionClose(session);
    }
    releaseUnreachable();
  }

  // Whoever opens or closes a session clears up after those before.
  private static void releaseUnreachable() {
    synchronized (LOCK) {
      for (Reference<? extends ByteBuffer> r = UNREACHABLE.poll(); r != null; r = UNREACHABLE.poll()) {
        View view = (View) r;
        VIEWS.remove(view);
        SessionMemory memory = view.memory;
        if (--memory.views == 0 && memory.closed) Native.sessionClose(memory.session);
      }
    }
  }

  /** For tests: how many closed sessions wait for their buffers. */
  static int waiting() {
    synchronized (LOCK) {
      releaseUnreachable();
      Set<SessionMemory> memories = new HashSet<>();
      for (View view : VIEWS) if (view.memory.closed) memories.add(view.memory);
      return memories.size();
    }
  }
}
