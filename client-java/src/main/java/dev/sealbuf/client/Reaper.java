package dev.sealbuf.client;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Lets go of memory on behalf of stores that make no call.
///
/// One daemon thread in the process, however many stores there are. It looks at two words of each
/// store's catalog every half second: has the daemon retired segments, does it live. No socket, no
/// futex (any reader could steal another's wake-up), and no request, unless a store was lent
/// something that it does not use ([Connection#tidy]). A get that meets a new epoch wakes it early.
/// The thread comes with the first session and goes with the last, and it holds sessions weakly: a
/// store that was forgotten ends like any other garbage.
final class Reaper implements Runnable {
  private static final long PERIOD_NANOS = 500_000_000;
  private static final Reaper INSTANCE = new Reaper();

  private final List<WeakReference<Session>> sessions = new ArrayList<>();
  private volatile @Nullable Thread thread;

  private Reaper() {}

  static void watch(Session session) {
    INSTANCE.add(session);
  }

  static void forget(Session session) {
    INSTANCE.remove(session);
  }

  /// Has it look now.
  static void wake() {
    INSTANCE.wakeUp();
  }

  private synchronized void add(Session session) {
    sessions.add(new WeakReference<>(session));
    if (thread == null) {
      thread = Thread.ofPlatform().daemon().name("sealbuf-reaper").start(this);
    }
  }

  private void remove(Session session) {
    synchronized (this) {
      sessions.removeIf(each -> each.refersTo(session) || each.refersTo(null));
    }
    wakeUp(); // so that the thread does not outlive the last session
  }

  private void wakeUp() {
    Thread sleeping = thread;
    if (sleeping != null) {
      LockSupport.unpark(sleeping);
    }
  }

  @Override
  public void run() {
    while (hasSessions()) {
      snapshot().forEach(Reaper::look);
      LockSupport.parkNanos(PERIOD_NANOS);
    }
  }

  private static void look(WeakReference<Session> reference) {
    Session session = reference.get();
    if (session != null) {
      session.tidy();
    }
  }

  /// False when there is nobody left to look after; then the thread ends.
  private synchronized boolean hasSessions() {
    sessions.removeIf(each -> each.refersTo(null));
    if (sessions.isEmpty()) {
      thread = null;
      return false;
    }
    return true;
  }

  private synchronized List<WeakReference<Session>> snapshot() {
    return List.copyOf(sessions);
  }
}
