package dev.sealbuf.server.host;

import dev.sealbuf.memory.UnixDatagrams;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells systemd, or whoever else set `NOTIFY_SOCKET`, how the daemon is (sd_notify(3)).
///
/// A message is one datagram of `NAME=value` lines. Without the variable nothing is sent. What
/// cannot be sent costs the daemon nothing but a line in its log, the first time in a row.
///
/// **Watchdog.** The manager restarts a service from which no [#alive] comes within
/// `WATCHDOG_USEC`. It is for the event loop to call it every [#watchdogPeriod]: then a loop that
/// hangs is found, and nothing is asked of one that turns.
///
/// Threads: any. [#ready] and [#reloading] wait for up to a second when the manager is slow to
/// read, since it counts on them; nothing else ever waits.
public final class ServiceManager {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long PAUSE_MILLIS = 10;
  private static final String ALIVE = "WATCHDOG=1";

  private final @Nullable UnixDatagrams socket;
  private final Optional<Duration> watchdogPeriod;
  private final AtomicBoolean failing = new AtomicBoolean();

  private ServiceManager(@Nullable UnixDatagrams socket, Optional<Duration> watchdogPeriod) {
    this.socket = socket;
    this.watchdogPeriod = watchdogPeriod;
  }

  /// The one that started this process, as its environment says; variables that make no sense are
  /// logged and ignored.
  public static ServiceManager of(Map<String, String> environment) {
    UnixDatagrams socket = socket(environment.getOrDefault("NOTIFY_SOCKET", ""));
    return new ServiceManager(
        socket, socket == null ? Optional.empty() : watchdogPeriod(environment));
  }

  private static @Nullable UnixDatagrams socket(String address) {
    if (address.isEmpty()) {
      return null;
    }
    if (!address.startsWith("/") && !address.startsWith("@")) {
      LOG.warn("NOTIFY_SOCKET is neither a path nor an abstract name, and is ignored: {}", address);
      return null;
    }
    try {
      return UnixDatagrams.to(address);
    } catch (IOException e) {
      LOG.warn("NOTIFY_SOCKET cannot be used, and is ignored: {}", e.getMessage());
      return null;
    }
  }

  /// `WATCHDOG_PID` says whom it is for: a child of the service inherits the variables.
  private static Optional<Duration> watchdogPeriod(Map<String, String> environment) {
    String micros = environment.get("WATCHDOG_USEC");
    String own = Long.toString(ProcessHandle.current().pid());
    if (micros == null || !environment.getOrDefault("WATCHDOG_PID", own).equals(own)) {
      return Optional.empty();
    }
    try {
      long nanos = TimeUnit.MICROSECONDS.toNanos(Long.parseLong(micros));
      if (nanos > 0) {
        return Optional.of(Duration.ofNanos(nanos / 2));
      }
    } catch (NumberFormatException _) {
      // Said below.
    }
    LOG.warn("WATCHDOG_USEC is no time, and is ignored: {}", micros);
    return Optional.empty();
  }

  /// How often [#alive] is expected: twice in the time after which the manager gives up. Empty when
  /// it does not watch.
  public Optional<Duration> watchdogPeriod() {
    return watchdogPeriod;
  }

  /// Clients can connect: after the start, and after [#reloading].
  public void ready(String status) {
    tell("READY=1\nSTATUS=" + status);
  }

  /// The configuration is being read again; [#ready] follows, whatever came of it. The manager
  /// compares the time, which is CLOCK_MONOTONIC, as HotSpot's nanoTime is on Linux.
  public void reloading() {
    tell("RELOADING=1\nMONOTONIC_USEC=" + TimeUnit.NANOSECONDS.toMicros(System.nanoTime()));
  }

  /// The end has begun, and does not wait for this to be read.
  public void stopping() {
    boolean _ = send("STOPPING=1");
  }

  /// A sign of life; lost when the manager's queue is full, as the next one follows.
  public void alive() {
    boolean _ = send(ALIVE);
  }

  private void tell(String message) {
    long start = System.nanoTime();
    while (!send(message)) {
      if (System.nanoTime() - start > PATIENCE_NANOS) {
        LOG.warn("the service manager does not read what it is told");
        return;
      }
      pause();
    }
  }

  /// False when it is worth another try.
  private boolean send(String message) {
    if (socket == null) {
      return true;
    }
    byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
    try {
      boolean sent = socket.send(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
      failing.set(false);
      return sent;
    } catch (IOException e) {
      if (!failing.getAndSet(true)) {
        LOG.warn("the service manager cannot be told: {}", e.getMessage());
      }
      return true;
    }
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
