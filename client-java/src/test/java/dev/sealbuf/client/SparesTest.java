package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// When a session asks for a spare, and how it gets rid of one, its descriptors included.
@Timeout(20)
@ExtendWith(LeakCheck.class)
class SparesTest {
  private static final long SIZE = 300_000;
  private static final long SEGMENT = 303_104;
  private static final OptionalLong NONE = OptionalLong.empty();

  private final Peer peer = Peer.create();
  private final Connection connection = peer.connection();
  private final Spares spares = connection.spares();
  private Fd file;

  @BeforeEach
  void makeFile() throws IOException {
    file = Memfd.create("spares-test");
  }

  @AfterEach
  void close() {
    file.close();
    peer.close();
  }

  @Test
  void oneIsAskedForWhenTwoInARowHadOneSize() {
    assertThat(spares.wanted(SIZE)).isEqualTo(NONE);
    assertThat(spares.wanted(SIZE)).isEqualTo(OptionalLong.of(SIZE));
    assertThat(spares.wanted(SIZE + 1)).isEqualTo(NONE);
    assertThat(spares.wanted(SIZE)).isEqualTo(NONE);
    assertThat(spares.wanted(SIZE)).isEqualTo(OptionalLong.of(SIZE));
  }

  @Test
  void noneIsAskedForWhileOneIsThere() {
    lend();
    assertThat(spares.wanted(SIZE)).isEqualTo(NONE);
  }

  @Test
  void itIsWhatACreateWouldHaveLent() {
    lend();
    Reply.Lent loan = new Reply.Lent(1, "", 6, SIZE, 9, SEGMENT);
    try (Answer lent = spares.take(SIZE).orElseThrow()) {
      assertThat(lent.expect(Reply.Lent.class, 2)).isEqualTo(loan);
    }
    assertThat(spares.take(SIZE)).as("it is taken once").isEmpty();
  }

  @Test
  void anotherSizeGivesItBackAlongWithTheNextRequest() {
    lend();
    assertThat(spares.take(SIZE + 1)).isEmpty();
    isAbortedWithAPing(connection::tidy);
  }

  @Test
  void whatIsNotUsedForAWhileIsGivenBack() {
    lend();
    connection.tidy();
    assertThat(spares.isKept()).isTrue();
    isAbortedWithAPing(() -> {
      while (spares.isKept()) { // the test's timeout is the deadline
        connection.tidy();
        Thread.onSpinWait();
      }
    });
  }

  @Test
  void itEndsWithTheSession() {
    lend();
    connection.close();
    assertThat(spares.isKept()).isFalse();
  }

  @Test
  void itEndsWithASessionThatIsLost() {
    lend();
    peer.hangUp();
    assertThatThrownBy(() -> connection.call(Request.Ping::new, Peer.soon()))
        .isInstanceOf(DisconnectedException.class);
    assertThat(spares.isKept()).isFalse();
  }

  @Test
  void oneWithoutItsDescriptorsIsNotKept() {
    peer.reply(publishedLent(), file);
    try (Answer answer = seal()) {
      assertThatThrownBy(() -> answer.expect(Reply.Published.class, 0))
          .isInstanceOf(ProtocolException.class)
          .hasMessage(
              "another reply than asked for: reply=PublishedLent expected=Published;"
                  + " report it; connect again");
    }
    assertThat(spares.isKept()).isFalse();
  }

  /// Publishes, and has a spare lent along.
  private void lend() {
    spares.wanted(SIZE);
    peer.reply(publishedLent(), file, file);
    try (Answer answer = seal()) {
      assertThat(answer.expect(Reply.Published.class, 0)).isEqualTo(publishedLent().published());
    }
    assertThat(spares.isKept()).isTrue();
    assertThat(peer.receive()).isEqualTo(new Request.Seal(1, 5, NONE, OptionalLong.of(SIZE)));
  }

  private Answer seal() {
    return connection.call(seq -> new Request.Seal(seq, 5, NONE, spares.wanted(SIZE)), Peer.soon());
  }

  private static Reply.PublishedLent publishedLent() {
    Reply.Published made = new Reply.Published(1, "n", 5, 1, 1, 2, 2 << 20, 64);
    return Reply.PublishedLent.of(made, 6, 9, SEGMENT);
  }

  private void isAbortedWithAPing(Runnable tidying) {
    peer.reply(new Reply.Aborted(2, 6));
    peer.reply(new Reply.Pong(3));
    tidying.run();
    assertThat(spares.isKept()).isFalse();
    assertThat(peer.receive()).isEqualTo(new Request.Abort(2, 6));
    assertThat(peer.receive()).isEqualTo(new Request.Ping(3));
  }
}
