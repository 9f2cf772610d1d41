package dev.sealbuf.server.host;

import dev.sealbuf.memory.UnixDatagrams;
import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells systemd, or who else set `$NOTIFY_SOCKET`, how the daemon is: sd_notify(3).
///
/// What cannot be told is logged once and does no harm: the daemon serves, and whoever wanted to
/// know acts as if it did not. Without the variable nothing is told.
///
/// Threads: any.
public final class ServiceManager {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);

  private final Optional<Duration> watchdog;
  private final @Nullable UnixDatagrams socket;
  private boolean failed;

  private ServiceManager(@Nullable UnixDatagrams socket, Optional<Duration> watchdog) {
    this.socket = socket;
    this.watchdog = watchdog;
  }

  /// By `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
  public static ServiceManager of(Map<String, String> environment) {
    String address = environment.getOrDefault("NOTIFY_SOCKET", "");
    if (address.isEmpty()) {
      return new ServiceManager(null, Optional.empty());
    }
    try {
      return new ServiceManager(UnixDatagrams.to(address), watchdog(environment));
    } catch (IOException e) {
      LOG.warn("the service manager cannot be told anything: {}", e.getMessage());
      return new ServiceManager(null, Optional.empty());
    }
  }

  /// Absent when it is meant for another process.
  private static Optional<Duration> watchdog(Map<String, String> environment) {
    String own = Long.toString(ProcessHandle.current().pid());
    String micros = environment.getOrDefault("WATCHDOG_USEC", "");
    return micros.matches("\\d{1,15}") && environment.getOrDefault("WATCHDOG_PID", own).equals(own)
        ? Optional.of(Duration.of(Long.parseLong(micros), ChronoUnit.MICROS))
        : Optional.empty();
  }

  /// How often [#alive] is to be said, half of the time after which silence is taken for death;
  /// absent when nobody waits for it.
  public Optional<Duration> signOfLifeEvery() {
    return watchdog.map(patience -> patience.dividedBy(2)).filter(Duration::isPositive);
  }

  /// It serves.
  public void ready(String status) {
    tell("READY=1\nSTATUS=" + status);
  }

  /// It still does what it is there for.
  public void alive() {
    tell("WATCHDOG=1");
  }

  /// Until it is ready again. systemd pairs the two by the time of day that never jumps.
  public void reloading() {
    tell("RELOADING=1\nMONOTONIC_USEC=" + TimeUnit.NANOSECONDS.toMicros(System.nanoTime()));
  }

  /// It ends.
  public void stopping() {
    tell("STOPPING=1");
  }

  private synchronized void tell(String state) {
    if (socket == null) {
      return;
    }
    try {
      socket.send(state);
      failed = false;
    } catch (IOException e) {
      if (!failed) {
        LOG.warn("the service manager was not told: state={} cause={}", state, e.getMessage());
      }
      failed = true;
    }
  }
}
