package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;

/// One thread waits here for many descriptors; others add some, or wake it.
///
/// Edge-triggered: each descriptor is reported once when it becomes readable (or is when it is
/// added), and again only when something new has come. Whoever is told reads everything. A
/// descriptor that is closed is no longer waited for; it may have been reported already.
public final class Poller implements AutoCloseable {
  /// The key of [#wake]; all others are given by the caller and not negative.
  private static final long WAKE = -1;

  private static final int EVENTS_AT_ONCE = 256;

  /// `struct epoll_event` is packed on x86-64 alone: 12 bytes there, 16 elsewhere.
  private static final int KEY_OFFSET =
      System.getProperty("os.arch", "").equals("amd64") ? Integer.BYTES : Long.BYTES;

  private static final int EVENT_BYTES = KEY_OFFSET + Long.BYTES;
  private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED;

  private final Fd epoll;
  private final Fd bell;

  private Poller(Fd epoll, Fd bell) {
    this.epoll = epoll;
    this.bell = bell;
  }

  public static Poller open() throws IOException {
    Fd epoll = Fd.adopt(Events.epollCreate());
    try {
      Fd bell = Fd.adopt(Events.eventfd());
      Poller poller = new Poller(epoll, bell);
      poller.addKey(bell, WAKE);
      return poller;
    } catch (IOException e) {
      epoll.close();
      throw e;
    }
  }

  /// Waits for this descriptor too, from now on until it is closed.
  ///
  /// @param key what it is reported by; not negative
  public void add(Fd fd, long key) throws IOException {
    if (key < 0) {
      throw new IllegalArgumentException("a key is not negative: key=" + key);
    }
    addKey(fd, key);
  }

  private void addKey(Fd fd, long key) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment event = arena.allocate(EVENT_BYTES);
      event.set(ValueLayout.JAVA_INT, 0, Linux.EPOLLIN | Linux.EPOLLET);
      event.set(KEY, KEY_OFFSET, key);
      epoll.use(poller -> fd.use(number -> Events.epollAdd(poller, number, event)));
    }
  }

  /// Waits until something is there to report, or somebody calls [#wake], and reports it.
  public void await(LongConsumer ready) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment events = arena.allocate((long) EVENT_BYTES * EVENTS_AT_ONCE);
      int count = epoll.query(fd -> Events.epollWait(fd, events, EVENTS_AT_ONCE));
      for (int i = 0; i < count; i++) {
        long key = events.get(KEY, (long) i * EVENT_BYTES + KEY_OFFSET);
        if (key != WAKE) {
          ready.accept(key);
        }
      }
    }
  }

  /// Lets the next [#await], or the one that is waiting, return.
  public void wake() throws IOException {
    bell.use(Events::eventfdWrite);
  }

  /// Only when nobody waits any more.
  @Override
  public void close() {
    bell.close();
    epoll.close();
  }
}
