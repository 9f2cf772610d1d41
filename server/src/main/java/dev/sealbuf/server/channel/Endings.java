package dev.sealbuf.server.channel;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/// Closes the connections of those who have gone or were given up, for a while in each turn of the
/// loop: to end a session takes many times as long as to see that its peer hung up, and when ten
/// thousand do so at once nobody else should wait for the last of them.
final class Endings {
  private static final long SLICE_NANOS = 4_000_000;

  private final EventLoop loop;
  private final Queue<Channel> waiting = new ArrayDeque<>();

  Endings(EventLoop loop) {
    this.loop = loop;
  }

  /// Closes the channel soon; what it had sent is looked at before.
  void add(Channel channel) {
    waiting.add(channel);
    if (waiting.size() == 1) {
      goOn();
    }
  }

  /// A timer, not a task: before it the loop looks at its sockets.
  private void goOn() {
    var _ = loop.schedule(this::slice, 0, TimeUnit.NANOSECONDS);
  }

  private void slice() {
    long end = System.nanoTime() + SLICE_NANOS;
    do {
      var _ = waiting.element().close();
      waiting.remove();
    } while (!waiting.isEmpty() && System.nanoTime() - end < 0);
    if (!waiting.isEmpty()) {
      goOn();
    }
  }
}
