package dev.sealbuf.server.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What is sent to a socket that another program reads (Java has no datagrams of this kind), and
/// what the environment says about the watchdog. The daemon as a whole is tested from Python.
@Timeout(60)
class ServiceManagerTest {
  private static final String RECEIVER =
      """
      import socket, sys, time
      with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
          receiver.bind(sys.argv[1])
          print("bound", flush=True)
          message = receiver.recv(4096).decode()
          print(message.replace("\\n", "|"), time.monotonic_ns() // 1000, flush=True)
      """;

  @Test
  void aReloadCarriesTheTimeOfTheMonotonicClock(@TempDir Path folder) throws Exception {
    Path socket = folder.resolve("notify");
    Process receiver =
        new ProcessBuilder("python3", "-c", RECEIVER, socket.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output = receiver.inputReader(StandardCharsets.UTF_8)) {
      assertThat(output.readLine()).isEqualTo("bound");
      long before = TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
      ServiceManager.of(Map.of("NOTIFY_SOCKET", socket.toString())).reloading();
      checkReload(output, before);
    } finally {
      receiver.destroyForcibly();
    }
  }

  private static void checkReload(BufferedReader output, long before) throws IOException {
    String prefix = "RELOADING=1|MONOTONIC_USEC=";
    String line = output.readLine();
    assertThat(line).startsWith(prefix);
    String[] sentAndReceived = line.substring(prefix.length()).split(" ", 2);
    assertThat(Long.parseLong(sentAndReceived[0]))
        .isBetween(before, Long.parseLong(sentAndReceived[1]));
  }

  @Test
  void aSignOfLifeIsDueTwiceInTheTimeOfTheWatchdog() {
    assertThat(period("30000000", own())).contains(Duration.ofSeconds(15));
  }

  @Test
  void theWatchdogOfAnotherProcessIsNotOurs() {
    assertThat(period("30000000", "1")).isEmpty();
  }

  @Test
  void aTimeThatIsNoneIsIgnored() {
    assertThat(period("0", own())).isEmpty();
    assertThat(period("-2", own())).isEmpty();
    assertThat(period("soon", own())).isEmpty();
  }

  @Test
  void withoutAManagerNothingIsWatched() {
    ServiceManager nobody = ServiceManager.of(Map.of("WATCHDOG_USEC", "30000000"));
    nobody.ready("to nobody");
    assertThat(nobody.watchdogPeriod()).isEmpty();
  }

  private static Optional<Duration> period(String micros, String pid) {
    return ServiceManager.of(
            Map.of("NOTIFY_SOCKET", "@nobody", "WATCHDOG_USEC", micros, "WATCHDOG_PID", pid))
        .watchdogPeriod();
  }

  private static String own() {
    return Long.toString(ProcessHandle.current().pid());
  }
}
