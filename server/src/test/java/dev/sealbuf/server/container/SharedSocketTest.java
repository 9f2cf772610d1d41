package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.client.Jvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// A daemon in a container, clients on the host and in other containers, each of a uid of its own:
/// all they have in common is a folder with a socket.
@NeedsEngine
final class SharedSocketTest {
  private static final int UID = 21_001;
  private static final String OTHER = "21002:20000";
  private static final int OUTSIDER = 21_005;
  private static final int KILLED = 137;
  private static final int BYTES = 3 << 20;
  private static final long MIB = 1 << 20;

  private static Path folder;
  private static DaemonContainer daemon;

  @BeforeAll
  static void start() {
    folder = SocketFolder.make();
    daemon = new DaemonContainer(folder);
    daemon.start();
  }

  @AfterAll
  static void stop() {
    daemon.close();
  }

  @Test
  void whatTheHostPublishesAContainerReadsAndTheOtherWayRound() throws IOException {
    Path file = randomFile();
    assertThat(sealbuf("put", "from-host", file.toString())).isEqualTo(new Finished(0, ""));
    Finished copied =
        python(
            """
            import sealbuf
            with sealbuf.connect() as store:
                store.put(store.get("from-host").memoryview(), "from-container")
            """);
    assertThat(copied).isEqualTo(new Finished(0, ""));
    Path copy = file.resolveSibling("copy");
    assertThat(sealbuf("get", "from-container", "-o", copy.toString()).output()).isEmpty();
    assertThat(copy).hasSameBinaryContentAs(file);
  }

  @Test
  void nobodyInAnotherContainerCanWrite() {
    String attack =
        """
        import ctypes, mmap, os, sealbuf
        libc = ctypes.CDLL(None, use_errno=True)

        def outcome(attempt):
            try:
                attempt()
                return "possible"
            except (OSError, TypeError) as error:
                return getattr(error, "strerror", None) or str(error)

        def call(name, *arguments):
            if getattr(libc, name)(*arguments):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

        def attempts(view, address):
            page = ctypes.c_void_p(address & -4096)
            yield outcome(lambda: view.__setitem__(0, 1))
            yield outcome(lambda: call("mprotect", page, 4096, mmap.PROT_READ | mmap.PROT_WRITE))
            yield outcome(lambda: call("madvise", page, 4096, 9))  # MADV_REMOVE
            yield outcome(lambda: os.pwrite(os.open("/proc/self/mem", os.O_RDWR), b"x", address))

        own = os.memfd_create("own")
        os.ftruncate(own, 4096)
        unsealed = mmap.mmap(own, 4096)
        start = ctypes.addressof(ctypes.c_char.from_buffer(unsealed))
        print("own:", ", ".join(attempts(memoryview(unsealed), start)))
        with sealbuf.connect() as store:
            target = store.put(bytes(3_000_000), "target")
            print("sealed:", ", ".join(attempts(target.memoryview(), target.address)))
            print(bytes(target) == bytes(3_000_000))
        """;
    assertThat(python(attack).output())
        .isEqualTo(
            """
            own: possible, possible, possible, possible
            sealed: cannot modify read-only memory, Permission denied, Permission denied, Input/output error
            True
            """);
  }

  @Test
  void whoIsNotInTheGroupDoesNotReachTheSocket() {
    Finished outsider =
        PythonContainer.run(folder, OUTSIDER + ":" + OUTSIDER, "import sealbuf; sealbuf.connect()");
    assertThat(outsider.status()).isEqualTo(1);
    assertThat(outsider.output())
        .contains(
            "NotPermitted: the socket is not for this user, ask for membership in the daemon's group:"
                + " uid=21005 socket=/run/sealbuf/sealbuf.sock");
  }

  @Test
  void whoReachesTheSocketWithoutBeingInTheGroupIsToldSo() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-x--x"));
    Path socket = SocketFolder.socket(folder);
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
    try {
      Finished ping = Command.sealbuf(OUTSIDER, OUTSIDER, "ping", "--socket", "" + socket).run();
      assertThat(ping.output())
          .startsWith(
              "sealbuf: only the daemon's uid and members of its group may connect: uid=21005"
                  + " daemon=10001 group=20000; join the group and log in anew");
    } finally {
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-x---"));
    }
  }

  @Test
  void aBufferMayBeLargerThanTheContainersSharedMemory() {
    Finished large =
        python(
            """
            import os, sealbuf
            shm = os.statvfs("/dev/shm")
            assert shm.f_blocks * shm.f_frsize == 64 << 20
            with sealbuf.connect() as store:
                with store.create("larger", nbytes=300 << 20) as writer:
                    writer.memoryview()[:] = b"x" * (300 << 20)
                print(bytes(store.get("larger")).count(b"x") >> 20)
                store.delete("larger")
            """);
    assertThat(large).isEqualTo(new Finished(0, "300\n"));
  }

  @Test
  void aReaderIsNotChargedForWhatItReads() {
    String publish =
        """
        import sealbuf
        with sealbuf.connect() as store, store.create("charged", nbytes=256 << 20) as writer:
            writer.memoryview()[:] = bytes(256 << 20)
        """;
    assertThat(python(publish)).isEqualTo(new Finished(0, ""));
    String read =
        """
        import sealbuf
        view = sealbuf.connect().get("charged").memoryview()
        print(sum(view[at] for at in range(0, len(view), 4096)), len(view) >> 20)
        """;
    String allocate =
        """
        import mmap, os
        own = os.memfd_create("own")
        os.ftruncate(own, 256 << 20)
        memory = mmap.mmap(own, 256 << 20)
        for at in range(0, len(memory), 4096):
            memory[at] = 1
        """;
    assertThat(limited(read)).isEqualTo(new Finished(0, "0 256\n"));
    assertThat(limited(allocate).status()).isEqualTo(KILLED);
  }

  private static Finished limited(String program) {
    try (PythonContainer container =
        new PythonContainer(folder, OTHER, program).withMemory(64 * MIB)) {
      container.start();
      return container.finish();
    }
  }

  @Test
  void holdersNamesWhoHoldsABufferInAnotherContainer() throws Exception {
    String hold =
        """
        import sealbuf, sys, time
        store = sealbuf.connect()
        store.put(bytes(3_000_000), "held")
        view = store.get("held").memoryview()
        print("holding", flush=True)
        time.sleep(600)
        """;
    try (PythonContainer holder = new PythonContainer(folder, OTHER, hold)) {
      holder.start();
      holder.awaitLine("holding");
      assertThat(sealbuf("holders", "held").output())
          .containsPattern("dedicated-\\d+ +[0-9.]+ MiB +\\d+ +21002 +\\d+ +may hold +.*held\\n");
    }
  }

  @Test
  void aSecondDaemonInTheSameFolderIsRefused() {
    Path socket = SocketFolder.socket(folder);
    Finished second =
        Command.sealbuf(
                SocketFolder.DAEMON, SocketFolder.GROUP, "serve", "--socket", socket.toString())
            .run();
    assertThat(second.status()).isEqualTo(1);
    assertThat(second.output())
        .endsWith(
            "sealbuf: cannot serve: a daemon already serves at this socket: path=" + socket + "\n");
  }

  private static Finished sealbuf(String... arguments) {
    String[] words = new String[arguments.length + 2];
    System.arraycopy(arguments, 0, words, 0, arguments.length);
    words[arguments.length] = "--socket";
    words[arguments.length + 1] = SocketFolder.socket(folder).toString();
    return Command.sealbuf(UID, SocketFolder.GROUP, words).run();
  }

  private static Finished python(String program) {
    return PythonContainer.run(folder, OTHER, program);
  }

  private static Path randomFile() throws IOException {
    byte[] bytes = new byte[BYTES];
    new SplittableRandom().nextBytes(bytes);
    Path own = Jvm.publicFolder();
    Files.setAttribute(own, "unix:uid", UID);
    return Files.write(own.resolve("file"), bytes);
  }
}
