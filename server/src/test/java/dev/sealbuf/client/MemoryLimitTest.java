package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.server.host.ControlGroup;
import dev.sealbuf.server.host.SystemFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A daemon in a real control group of this machine, which would be killed if it took a page too
/// many.
@Timeout(120)
class MemoryLimitTest {
  private static final long LIMIT = 640L << 20;
  private static final Path MOUNT = Path.of("/sys/fs/cgroup/memory");

  private Path group = MOUNT;

  @BeforeEach
  void makeGroup() throws IOException {
    assumeTrue(PeerCredentials.ownUid() == 0, "only root can make a control group");
    assumeTrue(
        ControlGroup.own().filter(own -> own.version() == 1).isPresent(),
        "no memory control group of version 1 here");
    String own =
        SystemFiles.lines(Path.of("/proc/self/cgroup")).stream()
            .map(line -> line.split(":", 3))
            .filter(fields -> fields[1].equals("memory"))
            .map(fields -> fields[2].substring(1))
            .findFirst()
            .orElse("");
    group = MOUNT.resolve(own).resolve("sealbuf-test-" + ProcessHandle.current().pid());
    assumeTrue(group.toFile().mkdir(), "a control group cannot be made below " + MOUNT);
    Files.writeString(group.resolve("memory.limit_in_bytes"), Long.toString(LIMIT));
  }

  @AfterEach
  void removeGroup() {
    group.toFile().delete();
  }

  private DaemonProcess start(String... options) {
    String join = "echo $$ > %s/cgroup.procs && exec \"$@\"".formatted(group);
    return DaemonProcess.start(List.of("sh", "-c", join, "sh"), options);
  }

  private long kills() {
    return SystemFiles.lines(group.resolve("memory.oom_control")).stream()
        .filter(line -> line.startsWith("oom_kill "))
        .mapToLong(line -> Long.parseLong(line.substring("oom_kill ".length())))
        .sum();
  }

  @Tag("shows-29")
  @Test
  void theCapacityStaysBelowTheLimitAndTheStoreIsFullInsteadOfKilled() {
    try (DaemonProcess daemon = start("--capacity", "1GiB");
        Sealbuf store = daemon.connect()) {
      Statistics stats = store.stats();
      assertThat(stats.capacity()).isLessThan(LIMIT).isGreaterThan(LIMIT / 4);
      assertThat(stats.asMap()).containsEntry("capacity_asked", 1L << 30);

      fill(store, 16 << 20);
      fill(store, 1 << 20);
      fill(store, 60_000);
      assertThat(kills()).isZero();
      assertThat(store.stats().used()).isGreaterThan(stats.capacity() * 3 / 4);

      store.list("").stream().map(BufferInfo::name).forEach(store::delete);
      fill(store, 16 << 20);
      assertThat(kills()).isZero();
      assertThat(store.stats().used()).isGreaterThan(stats.capacity() * 3 / 4);
    }
  }

  private static void fill(Sealbuf store, int nbytes) {
    byte[] bytes = new byte[nbytes];
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 100_000; i++) {
                store.put("%d-%d-%d".formatted(nbytes, i, System.nanoTime()), bytes);
              }
            })
        .isInstanceOf(StoreFullException.class);
  }

  /// What the account does not know of: memory that a client in the same group takes.
  @Test
  void whatOthersInTheGroupTakeLeavesLessRoom() throws Exception {
    try (DaemonProcess daemon = start("--capacity", "1GiB");
        Sealbuf store = daemon.connect()) {
      long capacity = store.stats().capacity();
      Process other = other(capacity / 2);
      try {
        fill(store, 4 << 20);
        assertThat(kills()).isZero();
        assertThat(store.stats().used()).isLessThan(capacity * 3 / 4);
      } finally {
        other.destroyForcibly().waitFor();
      }
      fill(store, 4 << 20);
      assertThat(kills()).isZero();
      assertThat(store.stats().used()).isGreaterThan(capacity * 3 / 4);
    }
  }

  /// A process of the group that has so much memory, and says so when it has.
  private Process other(long bytes) throws IOException {
    String take =
        "echo $$ > %s/cgroup.procs && exec python3 -c 'import sys; b = b\"x\" * %d; print(len(b), flush=True);"
            .formatted(group, bytes);
    List<String> command = new ArrayList<>(List.of("sh", "-c", take + " sys.stdin.read()'"));
    Process other = new ProcessBuilder(command).start();
    assertThat(other.inputReader().readLine()).isEqualTo(Long.toString(bytes));
    return other;
  }

  @Test
  void aLimitThatLeavesNoRoomIsSaid() throws Exception {
    Files.writeString(group.resolve("memory.limit_in_bytes"), Long.toString(192L << 20));
    String join = "echo $$ > %s/cgroup.procs && exec \"$@\"".formatted(group);
    List<String> command = new ArrayList<>(List.of("sh", "-c", join, "sh"));
    Path socket = Jvm.publicFolder().resolve("sealbuf.sock");
    command.addAll(
        Jvm.command(dev.sealbuf.server.cli.Main.class, "serve", "--socket", socket.toString()));
    Process process = new ProcessBuilder(command).start();
    assertThat(process.errorReader().readAllAsString())
        .contains("cannot serve: the control group leaves no room for a store: ");
    assertThat(process.waitFor()).isEqualTo(1);
  }
}
