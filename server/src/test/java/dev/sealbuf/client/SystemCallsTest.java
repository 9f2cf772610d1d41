package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What the client asks of the kernel, as strace sees it.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class SystemCallsTest {
  private static final String MARK = "/sealbuf-mark";
  private static final int NAMES = 200;
  private static final PutOptions REPLACING = PutOptions.NONE.replacing();

  /// The traced program: looks for a file that is not there between the steps, so that they can be
  /// told apart.
  static final class Steps {
    private Steps() {}

    public static void main(String[] arguments) {
      try (Sealbuf store = Sealbuf.connect(Path.of(arguments[0]), DaemonProcess.PATIENCE)) {
        for (int i = 0; i < NAMES; i++) {
          store.put("name" + i, new byte[] {(byte) i});
        }
        get(store, 2);
        large(store, "warm");
        mark();
        store.put("traced", new byte[1024]);
        mark();
        large(store, "large");
        mark();
        get(store, 100);
        mark();
        MemorySegment data = Arena.ofAuto().allocate(1 << 20);
        do {
          store.put("steady", data, REPLACING);
        } while (!store.session().connection().spares().isKept());
        mark();
        store.put("steady", data, REPLACING);
        mark();
      }
    }

    private static void get(Sealbuf store, int rounds) {
      for (int i = 0; i < rounds * NAMES; i++) {
        store.get("name" + i % NAMES).close();
      }
    }

    private static void large(Sealbuf store, String name) {
      try (BufferWriter writer = store.create(name, 64 << 20)) {
        writer.seal().close();
      }
    }

    private static void mark() {
      if (Files.exists(Path.of(MARK))) {
        throw new AssertionError(MARK);
      }
    }
  }

  @Test
  void aPutIsOneMessageEachWayAPlacedOneTwoASteadyLargeOneOneAndAGetNone() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/strace")), "needs strace");
    List<List<String>> steps = trace();
    assertThat(steps).hasSize(7);
    assertThat(count(steps.get(1), "sendmsg")).isEqualTo(1);
    assertThat(count(steps.get(1), "recvmsg")).isEqualTo(1);
    assertThat(count(steps.get(2), "sendmsg")).isEqualTo(2);
    assertThat(count(steps.get(2), "recvmsg")).isEqualTo(2);
    assertThat(count(steps.get(3), "sendmsg") + count(steps.get(3), "recvmsg")).isZero();
    assertThat(steps.get(3)).as("of the JVM itself: safepoints, compilation").hasSizeLessThan(200);
    assertThat(count(steps.get(5), "sendmsg")).as("with a spare").isEqualTo(1);
    assertThat(count(steps.get(5), "pwrite64")).isEqualTo(1);
  }

  /// The calls between the marks, on any thread.
  private static List<List<String>> trace() throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      Path output = Jvm.publicFolder().resolve("strace");
      List<String> command =
          new ArrayList<>(List.of("strace", "-f", "-qq", "-o", output.toString()));
      command.addAll(Jvm.command(Steps.class, daemon.socket().toString()));
      Process traced = new ProcessBuilder(command).inheritIO().start();
      assertThat(traced.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(traced.exitValue()).isZero();
      List<List<String>> steps = new ArrayList<>(List.of(new ArrayList<>()));
      for (String line : Files.readAllLines(output, UTF_8)) {
        if (line.contains(MARK)) {
          steps.add(new ArrayList<>());
        } else if (!line.contains("resumed>")) {
          steps.getLast().add(line);
        }
      }
      return steps;
    }
  }

  private static long count(List<String> calls, String name) {
    return calls.stream().filter(line -> line.contains(name + "(")).count();
  }
}
