package dev.sealbuf.server.channel;

import dev.sealbuf.protocol.Names;
import io.netty.util.concurrent.Ticker;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lines about peers that are refused or misbehave: at most one a second for each uid, whatever
/// that uid does, with the number of lines left out. What a peer sent never reaches the log raw.
///
/// The table holds only uids that misbehaved within the last second.
final class PeerLog {
  private static final Logger LOG = LoggerFactory.getLogger("dev.sealbuf");
  private static final long INTERVAL_NANOS = 1_000_000_000;

  private final Ticker ticker;
  private final Map<Long, Window> windows = new HashMap<>();

  private static final class Window {
    final long opened;
    long omitted;

    Window(long opened) {
      this.opened = opened;
    }
  }

  PeerLog(Ticker ticker) {
    this.ticker = ticker;
  }

  /// Writes the line, or counts it when this uid had its line in this second.
  void warn(long uid, String event, String message) {
    long now = ticker.nanoTime();
    Window window = windows.get(uid);
    if (window != null && now - window.opened < INTERVAL_NANOS) {
      window.omitted++;
      return;
    }
    long omitted = window == null ? 0 : window.omitted;
    windows.values().removeIf(each -> now - each.opened >= INTERVAL_NANOS);
    windows.put(uid, new Window(now));
    LOG.warn("{}: {} uid={} omitted={}", event, Names.printable(message), uid, omitted);
  }
}
