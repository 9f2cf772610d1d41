package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.UnixSocket.Received;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
class UnixSocketTest {
  private static final Duration LONG = Duration.ofSeconds(10);
  private static final Duration SHORT = Duration.ofMillis(50);
  private static final int ROOM = 2;

  @TempDir Path folder;
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment buffer = arena.allocate(1024 * 1024);
  private UnixSocket left;
  private UnixSocket right;

  @BeforeEach
  void connect() {
    int[] pair = Libc.socketPair();
    left = UnixSocket.adopt(Fd.adopt(pair[0]));
    right = UnixSocket.adopt(Fd.adopt(pair[1]));
  }

  @AfterEach
  void close() {
    left.close();
    right.close();
  }

  @Test
  void bytesArriveWithTheirDescriptors() throws IOException {
    for (int count = 0; count <= ROOM; count++) {
      List<Fd> files = memfds(count);
      left.send(in(LONG), files, text("frame"));
      Received received = right.receive(in(LONG), buffer, ROOM);
      assertThat(string(received)).isEqualTo("frame");
      assertThat(received.descriptors()).hasSize(count);
      for (int i = 0; i < count; i++) {
        assertThat(Memfd.stat(received.descriptors().get(i))).isEqualTo(Memfd.stat(files.get(i)));
        assertThat(Libc.call("fcntl", received.descriptors().get(i).number(), 1)).isEqualTo(1);
      }
      files.forEach(Fd::close);
      received.descriptors().forEach(Fd::close);
    }
  }

  @Test
  void descriptorsComeWithTheirOwnBytesAndEarlierOnes() throws IOException {
    List<Fd> files = memfds(1);
    left.send(in(LONG), List.of(), text("first"));
    left.send(in(LONG), files, text("second"));
    left.send(in(LONG), List.of(), text("third"));
    Received received = right.receive(in(LONG), buffer, ROOM);
    assertThat(string(received)).isEqualTo("firstsecond");
    assertThat(received.descriptors()).hasSize(1);
    assertThat(string(right.receive(in(LONG), buffer, ROOM))).isEqualTo("third");
    files.forEach(Fd::close);
    received.descriptors().forEach(Fd::close);
  }

  @Test
  void moreDescriptorsThanRoomAreAllClosedAndReported() throws IOException {
    for (int count : new int[] {3, 4, 253}) {
      List<Fd> files = memfds(count);
      left.send(in(LONG), files, text("frame"));
      assertThatThrownBy(() -> right.receive(in(LONG), buffer, ROOM))
          .isInstanceOf(DescriptorsTruncatedException.class)
          .hasMessage("descriptors were lost, by lack of room or RLIMIT_NOFILE: room=2 received=2");
      files.forEach(Fd::close);
    }
  }

  @Test
  void withoutRoomDescriptorsAreReportedToo() throws IOException {
    List<Fd> files = memfds(1);
    left.send(in(LONG), files, text("frame"));
    assertThatThrownBy(() -> right.receive(in(LONG), buffer, 0))
        .isInstanceOf(DescriptorsTruncatedException.class)
        .hasMessage("descriptors were lost, by lack of room or RLIMIT_NOFILE: room=0 received=0");
    files.forEach(Fd::close);
  }

  @Test
  void moreDescriptorsThanTheKernelTakesAreRefused() throws IOException {
    List<Fd> files = memfds(1);
    List<Fd> many = new ArrayList<>();
    for (int i = 0; i < 254; i++) {
      many.add(files.getFirst());
    }
    assertThatThrownBy(() -> left.send(in(LONG), many, text("frame")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("too many descriptors: descriptors=254 max=253");
    files.forEach(Fd::close);
  }

  /// Whatever the parts are made of and however the kernel tears them, the stream is their
  /// concatenation.
  @Test
  void partsOfAnyKindAndSizeArriveInOrder() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 40; round++) {
      MemorySegment[] parts = new MemorySegment[random.nextInt(20)];
      List<Byte> expected = new ArrayList<>();
      for (int i = 0; i < parts.length; i++) {
        byte[] bytes = new byte[random.nextInt(random.nextBoolean() ? 10 : 100_000)];
        random.nextBytes(bytes);
        boolean heap = random.nextBoolean();
        parts[i] = heap ? MemorySegment.ofArray(bytes) : copy(bytes);
        for (byte b : bytes) {
          expected.add(b);
        }
      }
      List<Fd> files = memfds(expected.isEmpty() ? 0 : 1);
      CompletableFuture<Void> sender = CompletableFuture.runAsync(() -> send(files, parts));
      List<Byte> arrived = new ArrayList<>();
      int descriptors = 0;
      while (arrived.size() < expected.size()) {
        Received received = right.receive(in(LONG), buffer, ROOM);
        for (byte b : buffer.asSlice(0, received.bytes()).toArray(ValueLayout.JAVA_BYTE)) {
          arrived.add(b);
        }
        descriptors += received.descriptors().size();
        received.descriptors().forEach(Fd::close);
      }
      sender.get();
      assertThat(arrived).as("seed=%d round=%d", seed, round).isEqualTo(expected);
      assertThat(descriptors).isEqualTo(files.size());
      files.forEach(Fd::close);
    }
  }

  private void send(List<Fd> descriptors, MemorySegment[] parts) {
    try {
      left.send(in(LONG), descriptors, parts);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theEndOfTheStreamIsNotAnEmptyMessage() throws IOException {
    left.send(in(LONG), List.of(), text("last"));
    left.close();
    assertThat(right.receive(in(LONG), buffer, ROOM).isEndOfStream()).isFalse();
    assertThat(right.receive(in(LONG), buffer, ROOM).isEndOfStream()).isTrue();
  }

  @Test
  void sendingToAClosedPeerIsAnErrorAndNoSignal() {
    right.close();
    assertThatThrownBy(() -> left.send(in(LONG), List.of(), text("frame")))
        .isInstanceOf(PosixException.class)
        .hasMessage("sendmsg(descriptors=0): EPIPE (32)");
  }

  @Test
  void aReceiveEndsAtItsDeadlineAndLosesNothing() throws IOException {
    assertThatThrownBy(() -> right.receive(in(SHORT), buffer, ROOM))
        .isInstanceOf(SocketTimeoutException.class)
        .hasMessage("the deadline passed: waiting=receive");
    left.send(in(LONG), List.of(), text("late"));
    assertThat(string(right.receive(in(LONG), buffer, ROOM))).isEqualTo("late");
  }

  @Test
  void whatIsThereIsReceivedAfterTheDeadlineToo() throws IOException {
    left.send(in(LONG), List.of(), text("there"));
    assertThat(string(right.receive(in(Duration.ZERO), buffer, ROOM))).isEqualTo("there");
  }

  @Test
  void aSendThatNobodyReadsEndsAtItsDeadline() {
    MemorySegment much = arena.allocate(16 * 1024 * 1024);
    assertThatThrownBy(() -> left.send(in(SHORT), List.of(), much))
        .isInstanceOf(SocketTimeoutException.class)
        .hasMessage("the deadline passed: waiting=send");
  }

  @Test
  void closeWakesTheThreadThatReceives() throws Exception {
    CompletableFuture<Received> receiver = CompletableFuture.supplyAsync(this::receive);
    left.send(in(LONG), List.of(), text("x"));
    assertThat(receiver.get().bytes()).isEqualTo(1);
    CompletableFuture<Received> waiting = CompletableFuture.supplyAsync(this::receive);
    right.close();
    waiting.handle((received, failure) -> failure != null || received.isEndOfStream()).get();
    assertThatThrownBy(() -> right.receive(in(LONG), buffer, ROOM))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("descriptor is closed: fd=");
  }

  private Received receive() {
    try {
      return right.receive(in(LONG), buffer, ROOM);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void onlyNativeRoomIsReceivedInto() {
    MemorySegment heap = MemorySegment.ofArray(new byte[8]);
    assertThatThrownBy(() -> right.receive(in(LONG), heap, ROOM))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a receive buffer is native and not empty: " + heap);
  }

  @Test
  void connectsToAListeningSocket() throws IOException {
    Path path = folder.resolve("socket");
    try (ServerSocketChannel server = listen(path, 1);
        UnixSocket client = UnixSocket.connect(path, in(LONG));
        SocketChannel accepted = server.accept()) {
      client.send(in(LONG), List.of(), text("hello"));
      ByteBuffer bytes = ByteBuffer.allocate(5);
      assertThat(accepted.read(bytes)).isEqualTo(5);
    }
  }

  @Test
  void connectSaysWhyItCannot() throws IOException {
    Path path = folder.resolve("socket");
    assertThatThrownBy(() -> UnixSocket.connect(path, in(LONG)))
        .isInstanceOf(PosixException.class)
        .hasMessage("connect(path=" + path + "): ENOENT (2)");
    listen(path, 1).close();
    assertThatThrownBy(() -> UnixSocket.connect(path, in(LONG)))
        .isInstanceOf(PosixException.class)
        .hasMessage("connect(path=" + path + "): ECONNREFUSED (111)");
  }

  @Test
  void aPathHasAtMost107Bytes() {
    Path longest = Path.of("/" + "x".repeat(106));
    assertThatThrownBy(() -> UnixSocket.connect(longest, in(LONG)))
        .hasMessage("connect(path=" + longest + "): ENOENT (2)");
    Path tooLong = Path.of("/" + "x".repeat(107));
    assertThatThrownBy(() -> UnixSocket.connect(tooLong, in(LONG)))
        .isInstanceOf(PosixException.class)
        .hasMessage("connect(path=" + tooLong + " bytes=108 max=107): ENAMETOOLONG (36)");
  }

  @Test
  void aFullBacklogIsWaitedForUntilTheDeadline() throws IOException {
    Path path = folder.resolve("socket");
    List<UnixSocket> clients = new ArrayList<>();
    try (ServerSocketChannel server = listen(path, 1)) {
      assertThatThrownBy(
              () -> {
                while (true) {
                  clients.add(UnixSocket.connect(path, in(SHORT)));
                }
              })
          .isInstanceOf(SocketTimeoutException.class)
          .hasMessage("the deadline passed: waiting=connect");
      assertThat(clients).hasSizeGreaterThanOrEqualTo(1);

      CompletableFuture<UnixSocket> waiting = CompletableFuture.supplyAsync(() -> connectTo(path));
      try (SocketChannel _ = server.accept();
          UnixSocket connected = waiting.join()) {
        assertThat(connected.peer().pid()).isEqualTo((int) ProcessHandle.current().pid());
      }
    } finally {
      clients.forEach(UnixSocket::close);
    }
  }

  private static UnixSocket connectTo(Path path) {
    try {
      return UnixSocket.connect(path, in(LONG));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static ServerSocketChannel listen(Path path, int backlog) throws IOException {
    return ServerSocketChannel.open(StandardProtocolFamily.UNIX)
        .bind(UnixDomainSocketAddress.of(path), backlog);
  }

  private static Deadline in(Duration timeout) {
    return Deadline.after(timeout);
  }

  private MemorySegment copy(byte[] bytes) {
    return arena
        .allocate(Math.max(1, bytes.length))
        .asSlice(0, bytes.length)
        .copyFrom(MemorySegment.ofArray(bytes));
  }

  private static MemorySegment text(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
  }

  private String string(Received received) {
    byte[] bytes = buffer.asSlice(0, received.bytes()).toArray(ValueLayout.JAVA_BYTE);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static List<Fd> memfds(int count) throws IOException {
    List<Fd> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Fd fd = Memfd.create("socket-test");
      Memfd.resize(fd, i);
      files.add(fd);
    }
    return files;
  }
}
