package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import dev.sealbuf.client.Jvm;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Daemons and producers that are killed, stopped, started again, or short of memory.
@NeedsEngine
final class FailureTest {
  private static final String USER = "21002:20000";
  private static final int KILLED = 137;
  private static final long MIB = 1 << 20;

  private Path folder;

  @BeforeEach
  void makeFolder() {
    folder = SocketFolder.make();
  }

  @Test
  void viewsOutliveADaemonThatIsKilledAndItsNamesDoNot() throws Exception {
    String reader =
        """
        import hashlib, sealbuf
        store = sealbuf.connect(timeout=60)
        store.put(bytes(range(256)) * 20_000, "old")
        view = store.get("old").memoryview()
        before = hashlib.sha256(view).digest()
        print("holding", flush=True)
        store.get("new", timeout=60)
        print("old" in store, hashlib.sha256(view).digest() == before)
        """;
    try (DaemonContainer daemon = new DaemonContainer(folder);
        PythonContainer client = new PythonContainer(folder, USER, reader)) {
      daemon.start();
      client.start();
      client.awaitLine("holding");
      daemon.kill();
      assertThat(daemon.inspect().getState().getExitCodeLong()).isEqualTo(KILLED);
      daemon.startAgain();
      put("new");
      assertThat(client.finish()).isEqualTo(new Finished(0, "holding\nFalse True\n"));
    }
  }

  @Test
  void aDaemonThatIsStoppedAndStartedAgainServesAnew() throws Exception {
    try (DaemonContainer daemon = new DaemonContainer(folder)) {
      daemon.start();
      put("first");
      daemon.stopGently(60);
      assertThat(daemon.inspect().getState().getExitCodeLong()).isZero();
      assertThat(SocketFolder.socket(folder)).doesNotExist();
      daemon.startAgain();
      put("second");
      assertThat(daemon.sealbuf("ls").output()).contains("second").doesNotContain("first");
    }
  }

  @Test
  void aContainerShortOfMemorySaysStoreFullAndNobodyIsKilled() throws Exception {
    String greedy =
        """
        import sealbuf
        with sealbuf.connect() as store:
            published = refused = 0
            for piece in range(64):
                try:
                    store.put(bytes(16 << 20), f"piece/{piece}")
                    published += 1
                except sealbuf.StoreFull:
                    refused += 1
            small = 0
            for piece in range(4_000):
                try:
                    store.put(bytes(50_000), f"small/{piece}")
                except sealbuf.StoreFull:
                    small += 1
            print(published > 0, refused > 40, published + refused, small > 2_000)
        """;
    try (DaemonContainer daemon = new DaemonContainer(folder).withMemory(256 * MIB)) {
      daemon.start();
      assertThat(PythonContainer.run(folder, USER, greedy))
          .isEqualTo(new Finished(0, "True True 64 True\n"));
      ContainerState state = daemon.inspect().getState();
      assertThat(state.getRunning()).isTrue();
      assertThat(state.getOOMKilled()).isFalse();
      assertThat(daemon.sealbuf("rm", "piece/0", "piece/1").status()).isZero();
      put("room again");
      assertThat(daemon.sealbuf("doctor").output())
          .containsPattern("warn +memory +cgroup v[12] limits what runs here: bytes=268435456 ");
    }
  }

  @Test
  void aProducerThatIsKilledLeavesNothingUnfinished() throws Exception {
    String producer =
        """
        import sealbuf, time
        writer = sealbuf.connect().create("unfinished", nbytes=64 << 20)
        writer.memoryview()[:] = bytes(64 << 20)
        print("writing", flush=True)
        time.sleep(600)
        """;
    try (DaemonContainer daemon = new DaemonContainer(folder);
        PythonContainer killed = new PythonContainer(folder, USER, producer)) {
      daemon.start();
      killed.start();
      killed.awaitLine("writing");
      assertThat(unfinished(daemon)).isEqualTo(1);
      killed.getDockerClient().killContainerCmd(killed.getContainerId()).exec();
      while (unfinished(daemon) > 0) {
        Thread.onSpinWait();
      }
      assertThat(daemon.sealbuf("ls").output()).doesNotContain("unfinished");
    }
  }

  private static int unfinished(DaemonContainer daemon) throws Exception {
    String stat = daemon.sealbuf("stat", "--json").output();
    return Integer.parseInt(stat.replaceFirst("(?s).*\"unfinished\" ?: ?(\\d+).*", "$1"));
  }

  private void put(String name) throws Exception {
    Path file = Files.writeString(Jvm.publicFolder().resolve("file"), name);
    Finished put =
        Command.sealbuf(
                21_001,
                SocketFolder.GROUP,
                "put",
                name,
                file.toString(),
                "--socket",
                SocketFolder.socket(folder).toString())
            .run();
    assertThat(put).isEqualTo(new Finished(0, ""));
  }
}
