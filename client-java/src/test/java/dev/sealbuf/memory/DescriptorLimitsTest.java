package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What happens where RLIMIT_NOFILE ends, to a process that may not pass it: root may.
@ExtendWith(LeakCheck.class)
class DescriptorLimitsTest {
  private static final int LIMIT = 64;

  @Tag("shows-21")
  @Test
  void tooManyInFlightIsAnErrorThatPasses() throws IOException {
    assertThat(run(Sender.class)).isEqualTo("ETOOMANYREFS\nsent after the peer has read\n");
  }

  @Tag("shows-17")
  @Test
  void aProcessThatMayOpenNoMoreLearnsThatItLostDescriptors() throws IOException {
    assertThat(run(Receiver.class))
        .isEqualTo("descriptors were lost, by lack of room or RLIMIT_NOFILE: room=2 received=0\n");
  }

  private static String run(Class<?> main) throws IOException {
    boolean root = PeerCredentials.ownUid() == 0;
    assumeTrue(!root || ChildJvm.isReadableByAll(), "another uid cannot read the classes");
    List<String> prefix = new ArrayList<>(ChildJvm.ordinaryUid());
    prefix.addAll(List.of("prlimit", "--nofile=" + LIMIT));
    try (ChildJvm child = ChildJvm.start(prefix, main)) {
      return child.readRest();
    }
  }

  /// Sends until the kernel has had enough, lets the peer read, sends again.
  static final class Sender {
    private Sender() {}

    public static void main(String[] arguments) throws IOException {
      int[] pair = Libc.socketPair();
      ByteBuffer frame = ByteBuffer.allocateDirect(1);
      try (Fd file = Memfd.create("limit-test");
          Fd socket = Fd.adopt(pair[0]);
          UnixSocket peer = UnixSocket.adopt(Fd.adopt(pair[1]))) {
        int sent = sendUntilRefused(socket, frame, file);
        for (int i = 0; i < sent; i++) {
          receiveOne(peer);
        }
        Descriptors.send(socket, frame, List.of(file));
        IO.println("sent after the peer has read");
      }
    }

    private static int sendUntilRefused(Fd socket, ByteBuffer frame, Fd file) throws IOException {
      for (int sent = 0; ; sent++) {
        try {
          Descriptors.send(socket, frame, List.of(file));
        } catch (PosixException e) {
          IO.println(Errno.name(e.errno()));
          return sent;
        }
      }
    }

    private static void receiveOne(UnixSocket peer) throws IOException {
      Deadline deadline = Deadline.after(Duration.ofSeconds(10));
      peer.receive(deadline, Arena.ofAuto().allocate(1), 1).descriptors().forEach(Fd::close);
    }
  }

  /// Opens all it may and then receives two more.
  static final class Receiver {
    private Receiver() {}

    public static void main(String[] arguments) throws IOException {
      Deadline deadline = Deadline.after(Duration.ofSeconds(10));
      int[] pair = Libc.socketPair();
      UnixSocket left = UnixSocket.adopt(Fd.adopt(pair[0]));
      UnixSocket right = UnixSocket.adopt(Fd.adopt(pair[1]));
      Fd file = Memfd.create("limit-test");
      // Both failures once before the limit: loading their classes from a folder takes descriptors.
      left.send(deadline, List.of(file), Arena.ofAuto().allocate(1));
      receive(right, deadline, 0);
      String _ = Errno.name(Errno.EMFILE);
      left.send(deadline, List.of(file, file), Arena.ofAuto().allocate(1));
      String lost = "";
      while (lost.isEmpty()) {
        try {
          Fd _ = file.dup();
        } catch (PosixException _) { // EMFILE
          lost = receive(right, deadline, 2);
        }
      }
      IO.println(lost);
    }

    private static String receive(UnixSocket socket, Deadline deadline, int room)
        throws IOException {
      try {
        return socket.receive(deadline, Arena.ofAuto().allocate(1), room).toString();
      } catch (DescriptorsTruncatedException e) {
        return String.valueOf(e.getMessage());
      }
    }
  }
}
