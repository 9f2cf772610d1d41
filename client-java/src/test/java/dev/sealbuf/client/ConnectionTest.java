package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class ConnectionTest {
  private final Peer peer = Peer.create();
  private final Connection connection = peer.connection();
  private Fd file;

  @BeforeEach
  void makeFile() throws IOException {
    file = Memfd.create("connection-test");
  }

  @AfterEach
  void close() {
    file.close();
    peer.close();
  }

  @Tag("shows-16")
  @Test
  void aReplySplitAtEveryByteKeepsItsDescriptor() {
    ByteBuffer frame = Replies.write(new Reply.Mapped(1, 7, 4096), 1).encode();
    for (int split = 1; split < frame.limit(); split++) {
      Frame one = Replies.write(new Reply.Mapped(split, 7, 4096), 1);
      ByteBuffer bytes = one.encode();
      peer.send(bytes.slice(0, split), file);
      peer.send(bytes.slice(split, bytes.limit() - split));
      try (Answer answer = connection.call(seq -> new Request.Map(seq, 7), Peer.soon())) {
        assertThat(answer.expect(Reply.Mapped.class, 1).segment()).isEqualTo(7);
      }
      assertThat(peer.receive()).isEqualTo(new Request.Map(split, 7));
    }
  }

  @Test
  void anErrorReplyIsItsExceptionAndTheConnectionGoesOn() {
    peer.reply(Reply.Failure.of(1, ErrorCode.QUOTA_EXCEEDED, "too many: unfinished=1024"));
    assertThatThrownBy(this::ping)
        .isInstanceOf(QuotaExceededException.class)
        .hasMessage(
            "too many: unfinished=1024; finish or abort what is open; delete what is not needed; stat"
                + " shows the quota");
    peer.reply(new Reply.Pong(2));
    ping();
  }

  @Test
  void anErrorOfANewerDaemonIsToldInItsWords() {
    peer.reply(new Reply.Failure(1, "too_late", "come tomorrow"));
    assertThatThrownBy(this::ping)
        .isInstanceOf(ProtocolException.class)
        .hasMessage(
            "unknown error of a newer daemon: code=too_late message=come tomorrow;"
                + " report it; connect again");
  }

  @Test
  void anErrorThatAnswersNoRequestEndsTheConnection() {
    peer.reply(Reply.Failure.of(0, ErrorCode.NOT_PERMITTED, "uid may not connect: uid=1"));
    assertThatThrownBy(this::ping)
        .isInstanceOf(NotPermittedException.class)
        .hasMessage("uid may not connect: uid=1; ask the owner of the buffer or of the daemon");
    disconnected();
  }

  @Test
  void anErrorBeforeTheHangUpIsReadThoughTheRequestCouldNotBeSent() {
    peer.reply(Reply.Failure.of(0, ErrorCode.TRY_AGAIN, "too many sessions: sessions=1"));
    peer.hangUp();
    assertThatThrownBy(this::ping)
        .isInstanceOf(TryAgainException.class)
        .hasMessage("too many sessions: sessions=1; wait a little and try again");
  }

  @Test
  void aLateReplyIsSkippedWithItsDescriptors() {
    exchange();
    timeout(seq -> new Request.Map(seq, 7));
    peer.reply(new Reply.Mapped(2, 7, 4096), file);
    peer.reply(new Reply.Pong(3));
    ping();
    assertThat(peer.receive()).isEqualTo(new Request.Map(2, 7));
    assertThat(peer.receive()).isEqualTo(new Request.Ping(3));
  }

  @Test
  void aLateLoanIsGivenBack() {
    exchange();
    timeout(seq -> new Request.Create(seq, Optional.empty(), 1));
    peer.reply(new Reply.Lent(2, "buffer-5", 5, 1, 9, 4096), file, file);
    peer.reply(new Reply.Pong(3));
    ping();
    peer.receive();
    assertThat(peer.receive()).isEqualTo(new Request.Ping(3));
    assertThat(peer.receive()).isEqualTo(new Request.Abort(4, 5));
    peer.reply(new Reply.Aborted(4, 5));
    peer.reply(new Reply.Pong(5));
    ping();
  }

  @Test
  void aSpareThatCameLateIsGivenBack() {
    exchange();
    OptionalLong all = OptionalLong.empty();
    timeout(seq -> new Request.Seal(seq, 5, all, OptionalLong.of(4096)));
    Reply.Published made = new Reply.Published(2, "n", 5, 1, 1, 2, 2 << 20, 64);
    peer.reply(Reply.PublishedLent.of(made, 6, 9, 4096), file, file);
    peer.reply(new Reply.Pong(3));
    ping();
    peer.receive();
    assertThat(peer.receive()).isEqualTo(new Request.Ping(3));
    assertThat(peer.receive()).isEqualTo(new Request.Abort(4, 6));
    assertThat(connection.spares().isKept()).isFalse();
  }

  @Tag("shows-16")
  @Test
  void fewerDescriptorsThanStatedEndTheConnection() {
    peer.send(Replies.write(new Reply.Lent(1, "n", 5, 1, 9, 4096), 2).encode(), file);
    assertThatThrownBy(this::ping)
        .isInstanceOf(ProtocolException.class)
        .hasMessage(
            "fewer descriptors than the frame states: descriptors=1 stated=2;"
                + " report it; connect again");
    disconnected();
  }

  @Tag("shows-16")
  @Test
  void moreDescriptorsThanStatedEndTheConnectionBeforeTheNextFrame() {
    peer.send(Replies.write(new Reply.Pong(1), 0).encode(), file);
    ping();
    assertThatThrownBy(this::ping)
        .isInstanceOf(ProtocolException.class)
        .hasMessage("descriptors that no frame states: descriptors=1; report it; connect again");
    disconnected();
  }

  @Tag("shows-16")
  @Test
  void moreDescriptorsThanThereIsRoomForEndTheConnection() {
    peer.send(Replies.write(new Reply.Pong(1), 0).encode(), file, file, file);
    assertThatThrownBy(this::ping)
        .isInstanceOf(ProtocolException.class)
        .hasMessageStartingWith("descriptors were lost, by lack of room or RLIMIT_NOFILE: room=2");
    disconnected();
  }

  @Test
  void anotherReplyThanAskedForIsRefused() {
    peer.reply(new Reply.Aborted(1, 5));
    assertThatThrownBy(this::ping)
        .isInstanceOf(ProtocolException.class)
        .hasMessage(
            "another reply than asked for: reply=Aborted expected=Pong;"
                + " report it; connect again");
  }

  @Test
  void anotherProtocolIsAWrongVersion() {
    peer.send(ByteBuffer.wrap("HTTP/1.1 400".getBytes(US_ASCII)));
    assertThatThrownBy(this::ping)
        .isInstanceOf(WrongVersionException.class)
        .hasMessage(
            "not a frame of protocol version 1: byte=0 value=0x48 expected=0x53;"
                + " bring both to one version");
    disconnected();
  }

  @Test
  void aHangUpIsADisconnect() {
    peer.hangUp();
    assertThatThrownBy(this::ping).isInstanceOf(DisconnectedException.class);
    disconnected();
  }

  @Test
  void aRequestThatIsNotTakenInTimeEndsTheConnection() {
    Request put = new Request.Put(1, Optional.empty(), ByteBuffer.allocate(262_144));
    Deadline deadline = Deadline.after(Duration.ofMillis(50));
    assertThatThrownBy(
            () -> {
              while (true) {
                connection.call(_ -> put, deadline).close();
              }
            })
        .isInstanceOf(TimeoutException.class);
  }

  @Test
  void closedIsClosed() {
    connection.close();
    connection.close();
    assertThatThrownBy(this::ping)
        .isInstanceOf(ClosedException.class)
        .hasMessage("the store is closed; do not use it after close");
  }

  private void timeout(LongFunction<Request> request) {
    Deadline deadline = Deadline.after(Duration.ofMillis(300));
    assertThatThrownBy(() -> connection.call(request, deadline))
        .isInstanceOf(TimeoutException.class);
  }

  /// The first takes long, since all of it is loaded for that; a deadline is for what comes then.
  private void exchange() {
    peer.reply(new Reply.Pong(1));
    ping();
    assertThat(peer.receive()).isEqualTo(new Request.Ping(1));
  }

  private void ping() {
    try (Answer answer = connection.call(Request.Ping::new, Peer.soon())) {
      answer.expect(Reply.Pong.class, 0);
    }
  }

  private void disconnected() {
    assertThatThrownBy(this::ping)
        .isInstanceOf(DisconnectedException.class)
        .hasMessage("the connection to the daemon is broken; connect again");
  }
}
