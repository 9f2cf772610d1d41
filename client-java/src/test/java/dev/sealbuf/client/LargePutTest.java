package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.Seals;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a put of a large buffer asks of the daemon, and what it leaves in the segment.
@Timeout(20)
@ExtendWith(LeakCheck.class)
class LargePutTest {
  /// Written by pwrite, and through a mapping.
  private static final int WRITTEN = 300_000;

  private static final int MAPPED = 5_000_000;
  private static final int PAGE = 4096;
  private static final long UID = 7;
  private static final OptionalLong NONE = OptionalLong.empty();
  private static final Optional<String> NAME = Optional.of("n");

  private final Peer peer = Peer.create();
  private final Random random = new Random(7);

  @AfterEach
  void close() {
    peer.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {WRITTEN, MAPPED})
  void aProducerThatGoesOnNeedsOneRequestForEach(int nbytes) throws IOException {
    try (Fd first = segment(nbytes);
        Fd second = segment(nbytes);
        Fd third = segment(nbytes)) {
      peer.reply(lent(1, 5, nbytes), first, first);
      peer.reply(published(2, 5));
      putsInto(first, nbytes);
      peer.reply(lent(3, 6, nbytes), second, second);
      peer.reply(Reply.PublishedLent.of(published(4, 6), 7, 9, bytesFor(nbytes)), third, third);
      putsInto(second, nbytes);
      peer.reply(published(5, 7));
      putsInto(third, nbytes);
    }

    OptionalLong spare = OptionalLong.of(nbytes);
    assertThat(peer.receive()).isEqualTo(create(1, nbytes));
    assertThat(peer.receive()).isEqualTo(new Request.Seal(2, 5, NONE, NONE));
    assertThat(peer.receive()).isEqualTo(create(3, nbytes));
    assertThat(peer.receive()).isEqualTo(new Request.Seal(4, 6, NONE, spare));
    assertThat(peer.receive()).isEqualTo(sealSpare(5, 7, nbytes, spare));
  }

  @Test
  void aSpareThatIsRefusedIsAbortedAlongWithTheNextRequest() throws IOException {
    try (Fd spare = segment(WRITTEN);
        Fd other = segment(WRITTEN)) {
      lend(spare);
      peer.reply(Reply.Failure.of(2, ErrorCode.STORE_FULL, "no room"));
      assertThatThrownBy(() -> put(new byte[WRITTEN]))
          .isInstanceOf(StoreFullException.class)
          .hasMessageStartingWith("no room;");
      peer.reply(new Reply.Aborted(3, 6));
      peer.reply(lent(4, 8, WRITTEN), other, other);
      peer.reply(published(5, 8));
      putsInto(other, WRITTEN);
    }

    OptionalLong again = OptionalLong.of(WRITTEN);
    assertThat(peer.receive()).isEqualTo(new Request.Ping(1));
    assertThat(peer.receive()).isEqualTo(sealSpare(2, 6, WRITTEN, again));
    assertThat(peer.receive()).isEqualTo(new Request.Abort(3, 6));
    assertThat(peer.receive()).isEqualTo(create(4, WRITTEN));
    assertThat(peer.receive()).isEqualTo(new Request.Seal(5, 8, NONE, again));
  }

  @ParameterizedTest
  @ValueSource(ints = {WRITTEN, MAPPED})
  void aSegmentThatCouldShrinkUnderItsWriterIsRefused(int nbytes) throws IOException {
    try (Fd unsealed = Memfd.create("large-put-test")) {
      Memfd.resize(unsealed, bytesFor(nbytes));
      peer.reply(lent(1, 5, nbytes), unsealed, unsealed);
      assertThatThrownBy(() -> put(new byte[nbytes]))
          .isInstanceOf(ProtocolException.class)
          .hasMessageStartingWith("segment without its seals: seals=");
    }
  }

  @Test
  void aSegmentThatIsShorterThanItsBufferIsRefused() throws IOException {
    try (Fd file = segment(PAGE)) {
      peer.reply(new Reply.Lent(1, "n", 5, WRITTEN, 9, PAGE), file, file);
      assertThatThrownBy(() -> put(new byte[WRITTEN]))
          .isInstanceOf(ProtocolException.class)
          .hasMessage(
              "segment shorter than the buffer: segment_bytes=4096 nbytes=300000;"
                  + " report it; connect again");
    }
  }

  private BufferInfo put(byte[] data) {
    Publication publication = new Publication(NAME, NONE, PutOptions.NONE, Duration.ofSeconds(10));
    return new LargePut(publication, Shape.bytes(data.length), MemorySegment.ofArray(data))
        .publish(peer.connection(), UID, Peer.soon());
  }

  private void putsInto(Fd segment, int nbytes) throws IOException {
    byte[] data = new byte[nbytes];
    random.nextBytes(data);
    assertThat(put(data).nbytes()).isEqualTo(nbytes);
    try (Mapping mapping = Mapping.readOnly(segment, nbytes)) {
      assertThat(mapping.segment().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
    }
  }

  /// Has a spare of [#WRITTEN] bytes at hand.
  private void lend(Fd spare) {
    Connection connection = peer.connection();
    connection.spares().wanted(WRITTEN);
    Reply.PublishedLent reply = Reply.PublishedLent.of(published(1, 5), 6, 9, bytesFor(WRITTEN));
    peer.reply(reply, spare, spare);
    connection.call(Request.Ping::new, Peer.soon()).close();
  }

  /// As the daemon lends it.
  private static Fd segment(int nbytes) throws IOException {
    Fd fd = Memfd.create("large-put-test");
    Memfd.resize(fd, bytesFor(nbytes));
    Memfd.addSeals(fd, Seals.of(Seals.SHRINK, Seals.GROW));
    return fd;
  }

  private static long bytesFor(int nbytes) {
    return Math.ceilDiv(nbytes, PAGE) * (long) PAGE;
  }

  private static Reply.Lent lent(long seq, long buffer, int nbytes) {
    return new Reply.Lent(seq, "n", buffer, nbytes, 9, bytesFor(nbytes));
  }

  private static Reply.Published published(long seq, long buffer) {
    return new Reply.Published(seq, "n", buffer, 1, 1, 2, 2 << 20, 64);
  }

  private static Request create(long seq, int nbytes) {
    return new Request.Create(seq, NAME, nbytes);
  }

  private static Request sealSpare(long seq, long spare, int nbytes, OptionalLong next) {
    return new Request.SealSpare(
        seq, spare, NAME, nbytes, false, NONE, false, next, Optional.empty(), Request.NO_PAYLOAD);
  }
}
