package dev.sealbuf.server.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
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

  /// Its socket goes on: the other end is this process's own.
  @Test
  void theEndOfTheProcessThatConnectedIsHeardThoughItsSocketLivesOn() throws Exception {
    Path path = folder.resolve("socket");
    int listening = listen(path);
    try (Fd _ = Fd.adopt(listening);
        ChildJvm child = ChildJvm.start(Forker.class, path.toString())) {
      String forked = child.readLine();
      try (Fd socket = Fd.adopt((int) Libc.call("accept", listening, 0, 0))) {
        Watch.Registration _ = watch.process(socket, () -> heard.add("ended"));
        assertQuiet();
        child.kill();
        assertThat(ProcessHandle.of(Long.parseLong(forked))).isPresent();
        runTask();
        assertThat(heard).containsExactly("ended");

        Watch.Registration _ = watch.process(socket, () -> heard.add("ended before"));
        runTask();
        assertThat(heard).containsExactly("ended", "ended before");
      } finally {
        ProcessHandle.of(Long.parseLong(forked)).ifPresent(ProcessHandle::destroyForcibly);
      }
    }
  }

  private static int listen(Path path) {
    throw new UnsupportedOperationException(path.toString());
  }

  /// Connects, and leaves a process behind that has the socket.
  static final class Forker {
    private Forker() {}

    public static void main(String[] arguments) throws IOException {
      try (SocketChannel _ = SocketChannel.open(StandardProtocolFamily.UNIX)) {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(arguments[0]));
        IO.println(channel.isConnected());
        int _ = System.in.read();
      }
    }
  }
}
