package dev.sealbuf.server.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// The test is the loop: a task runs when the test takes it.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class WatchTest {
  private static final long QUIET_MILLIS = 200;

  @TempDir Path folder;

  private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final List<String> heard = new ArrayList<>();
  private Watch watch;

  @BeforeEach
  void start() throws IOException {
    watch = Watch.start(tasks::add);
  }

  @AfterEach
  void stop() {
    watch.close();
  }

  private void runTask() throws InterruptedException {
    tasks.take().run();
  }

  /// The kernel may tell of an exit and of its being noticed by the parent.
  private void runRest() throws InterruptedException {
    for (Runnable task = tasks.poll(QUIET_MILLIS, TimeUnit.MILLISECONDS);
        task != null;
        task = tasks.poll(QUIET_MILLIS, TimeUnit.MILLISECONDS)) {
      task.run();
    }
  }

  private void assertQuiet() throws InterruptedException {
    assertThat(tasks.poll(QUIET_MILLIS, TimeUnit.MILLISECONDS)).isNull();
  }

  private static Fd file() throws IOException {
    try (Fd made = Memfd.create("watch-test")) {
      return Memfd.reopenReadOnly(made);
    }
  }

  @Test
  void memoryIsGoneWithItsLastDescription() throws IOException, InterruptedException {
    Fd first = file();
    Fd second = Memfd.reopenReadOnly(first);
    Watch.Registration _ = watch.memory(first, () -> heard.add("gone"));
    first.close();
    assertQuiet();
    second.close();
    runTask();
    assertThat(heard).containsExactly("gone");
  }

  @Test
  void aMassOfEndsComesInTasksOfBoundedSize() throws IOException, InterruptedException {
    for (int i = 0; i < 1000; i++) {
      String name = "gone " + i;
      try (Fd file = file()) {
        Watch.Registration _ = watch.memory(file, () -> heard.add(name));
      }
    }
    while (heard.size() < 1000) {
      int before = heard.size();
      runTask();
      assertThat(heard.size() - before).isBetween(1, 256);
    }
    assertThat(heard).doesNotHaveDuplicates().startsWith("gone 0").endsWith("gone 999");
  }

  /// Far more than fs.inotify.max_queued_events, while the thread is busy elsewhere at times.
  @Test
  void nothingIsMissedWhenTheKernelDropsEvents() throws IOException, InterruptedException {
    int count = 60_000;
    for (int i = 0; i < count; i++) {
      try (Fd file = file()) {
        Watch.Registration _ = watch.memory(file, () -> heard.add("gone"));
      }
    }
    while (heard.size() < count) {
      runTask();
    }
    assertThat(heard).hasSize(count);
  }

  @Test
  void whatIsGivenUpIsNotHeardOf() throws IOException, InterruptedException {
    Fd file = file();
    Watch.Registration registration = watch.memory(file, () -> heard.add("gone"));
    file.close();
    Runnable onItsWay = tasks.take();
    registration.close();
    onItsWay.run();
    assertThat(heard).isEmpty();
  }

  @Test
  void aProcessThatGoesOnIsNotHeardOf() throws IOException, InterruptedException {
    int[] pair = Libc.socketPair();
    try (Fd left = Fd.adopt(pair[0]);
        Fd _ = Fd.adopt(pair[1]);
        Watch.Registration _ = watch.process(left, () -> heard.add("ended"))) {
      assertQuiet();
    }
  }

  /// Also of one that had ended before anybody asked.
  @Test
  void theEndOfTheProcessAtTheOtherEndIsHeardOnce() throws Exception {
    Path path = folder.resolve("socket");
    try (ChildJvm child = ChildJvm.start(Listener.class, path.toString())) {
      assertThat(child.readLine()).isEqualTo("listening");
      try (Fd socket = connect(path)) {
        Watch.Registration _ = watch.process(socket, () -> heard.add("ended"));
        Watch.Registration givenUp = watch.process(socket, () -> heard.add("given up"));
        assertQuiet();
        givenUp.close();
        child.kill();
        runTask();
        runRest();
        assertThat(heard).containsExactly("ended");

        Watch.Registration _ = watch.process(socket, () -> heard.add("had ended"));
        runTask();
        runRest();
        assertThat(heard).containsExactly("ended", "had ended");
      }
    }
  }

  private static Fd connect(Path path) {
    int unix = 1;
    int streamCloseOnExec = 1 | 0x80000;
    Fd socket = Fd.adopt((int) Libc.call("socket", unix, streamCloseOnExec, 0));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(110);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) unix);
      address.setString(Short.BYTES, path.toString());
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
