package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.server.watch.Watch;
import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// The test is the loop: a task runs when the test takes it.
@Tag("shows-45")
@ExtendWith(LeakCheck.class)
@Timeout(60)
class PeerProcessesTest {
  @TempDir Path folder;

  private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final List<String> heard = new ArrayList<>();
  private static final int UID = 1000;

  private Watch watch;
  private PeerProcesses processes;

  @BeforeEach
  void start() throws IOException {
    watch = Watch.start(tasks::add);
    processes = new PeerProcesses(watch);
  }

  @AfterEach
  void stop() {
    watch.close();
  }

  @Test
  void allSessionsOfAProcessEndWithIt() throws Exception {
    try (ChildJvm child = listener();
        Fd first = connect();
        Fd second = connect();
        Fd third = connect()) {
      int pid = (int) child.pid();
      Watch.Registration _ = processes.join(UID, pid, first, () -> heard.add("first"));
      Watch.Registration left = processes.join(UID, pid, second, () -> heard.add("second"));
      Watch.Registration _ = processes.join(UID, pid, third, () -> heard.add("third"));
      assertThat(processes.count()).isEqualTo(1);
      left.close();
      assertThat(tasks.poll(200, TimeUnit.MILLISECONDS)).isNull();

      child.kill();
      tasks.take().run();

      assertThat(heard).containsExactly("first", "third");
      assertThat(processes.count()).isZero();
    }
  }

  @Test
  void whoLeavesLastLeavesNothing() throws Exception {
    try (ChildJvm child = listener();
        Fd first = connect();
        Fd second = connect()) {
      int pid = (int) child.pid();
      Watch.Registration one = processes.join(UID, pid, first, () -> heard.add("first"));
      Watch.Registration two = processes.join(UID, pid, second, () -> heard.add("second"));
      one.close();
      assertThat(processes.count()).isEqualTo(1);
      two.close();
      assertThat(processes.count()).isZero();
      child.kill();
      assertThat(tasks.poll(200, TimeUnit.MILLISECONDS)).isNull();
      assertThat(heard).isEmpty();
    }
  }

  @Test
  void processesWithoutANumberAreWatchedOneByOne() throws Exception {
    try (ChildJvm child = listener();
        Fd first = connect();
        Fd second = connect()) {
      Watch.Registration _ = processes.join(UID, 0, first, () -> heard.add("first"));
      Watch.Registration _ = processes.join(UID, 0, second, () -> heard.add("second"));
      assertThat(processes.count()).isEqualTo(2);
      assertThat(processes.count(UID)).isEqualTo(2);
      assertThat(processes.count(UID + 1)).isZero();

      child.kill();
      while (heard.size() < 2) {
        tasks.take().run();
      }

      assertThat(heard).containsExactlyInAnyOrder("first", "second");
      assertThat(processes.count(UID)).isZero();
    }
  }

  private ChildJvm listener() throws IOException {
    ChildJvm child = ChildJvm.start(Listener.class, folder.resolve("socket").toString());
    assertThat(child.readLine()).isEqualTo("listening");
    return child;
  }

  private Fd connect() {
    int unix = 1;
    int streamCloseOnExec = 1 | 0x80000;
    Fd socket = Fd.adopt((int) Libc.call("socket", unix, streamCloseOnExec, 0));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(110);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) unix);
      address.setString(Short.BYTES, folder.resolve("socket").toString());
      assertThat(Libc.call("connect", socket.number(), address.address(), address.byteSize()))
          .isZero();
    }
    return socket;
  }

  /// Who connects to it sees its process.
  static final class Listener {
    private Listener() {}

    public static void main(String[] arguments) throws IOException {
      try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(arguments[0]));
        IO.println("listening");
        int _ = System.in.read();
      }
    }
  }
}
