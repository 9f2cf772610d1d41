package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
@Timeout(60)
class PidfdTest {
  @TempDir Path folder;

  /// What is readable now.
  private static List<Long> ready(Fd... watched) throws IOException {
    List<Long> ready = new ArrayList<>();
    try (Poller poller = Poller.open()) {
      for (int i = 0; i < watched.length; i++) {
        poller.add(watched[i], i);
      }
      poller.wake();
      poller.await(ready::add);
    }
    return ready;
  }

  @Test
  void oneselfGoesOn() throws IOException {
    int[] pair = Libc.socketPair();
    try (Fd left = Fd.adopt(pair[0]);
        Fd _ = Fd.adopt(pair[1]);
        Fd self = Pidfd.ofPeer(left)) {
      assertThat(ready(self)).isEmpty();
    }
  }

  @Test
  void thePeerIsTheProcessThatListened() throws IOException {
    Path path = folder.resolve("socket");
    try (ChildJvm child = ChildJvm.start(PeerCredentialsTest.Listener.class, path.toString())) {
      assertThat(child.readLine()).isEqualTo("listening");
      try (Fd socket = connect(path);
          Fd peer = Pidfd.ofPeer(socket)) {
        assertThat(ready(peer)).isEmpty();
        child.kill();
        assertThat(ready(peer)).containsExactly(0L);
      }
    }
  }

  private static Fd connect(Path path) throws IOException {
    Fd socket = Fd.adopt(Posix.socket(Linux.AF_UNIX, Linux.SOCK_STREAM | Linux.SOCK_CLOEXEC));
    try (Arena arena = Arena.ofConfined()) {
      assertThat(Posix.connect(socket.number(), UnixSocket.address(arena, path))).isZero();
    }
    return socket;
  }

  /// How it goes where the kernel does not keep the process with the socket.
  @Test
  void aProcessIsFoundByItsNumber() throws IOException {
    Process child = new ProcessBuilder("cat").start();
    try (Fd process = Pidfd.of((int) child.pid())) {
      assertThat(ready(process)).isEmpty();
      child.destroyForcibly().onExit().join();
      assertThat(ready(process)).containsExactly(0L);
    }
    int pid = (int) child.pid();
    assertThatThrownBy(() -> Pidfd.of(pid))
        .isInstanceOf(PosixException.class)
        .hasMessage("pidfd_open(pid=" + pid + "): ESRCH (3)");
  }

  @Test
  void whatIsNoSocketHasNoPeer() throws IOException {
    try (Fd file = Memfd.create("pidfd-test")) {
      assertThatThrownBy(() -> Pidfd.ofPeer(file))
          .isInstanceOf(PosixException.class)
          .hasMessage("getsockopt(option=SO_PEERCRED): ENOTSOCK (88)");
    }
  }
}
