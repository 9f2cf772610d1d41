package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/// However bytes are cut, the same frames come out, and then the same refusal or the same wait.
@Tag("shows-11")
final class FrameDecoderFuzzTest {
  @MethodSource("dev.sealbuf.protocol.Seeds#frames")
  @FuzzTest
  void framesAreTheSameHoweverTheyAreCut(byte[] bytes) {
    Random cuts = new Random(Arrays.hashCode(bytes));
    Decoded whole = decode(FrameDecoder.ofReplies(), bytes, () -> bytes.length);
    assertThat(decode(FrameDecoder.ofReplies(), bytes, () -> 1)).isEqualTo(whole);
    assertThat(decode(FrameDecoder.ofReplies(), bytes, () -> cuts.nextInt(40))).isEqualTo(whole);
    Decoded asked = decode(FrameDecoder.ofRequests(), bytes, () -> bytes.length);
    assertThat(decode(FrameDecoder.ofRequests(), bytes, () -> cuts.nextInt(40))).isEqualTo(asked);
  }

  private record Decoded(List<Frame> frames, String refusal, boolean idle, int missing) {}

  private static Decoded decode(FrameDecoder decoder, byte[] bytes, IntSupplier lengths) {
    List<Frame> frames = new ArrayList<>();
    try {
      for (int at = 0, length; at < bytes.length; at += length) {
        length = Math.min(lengths.getAsInt(), bytes.length - at);
        addAll(decoder, ByteBuffer.wrap(bytes, at, length), frames);
      }
    } catch (FrameException e) {
      return new Decoded(frames, e.code() + ": " + e.getMessage(), false, 0);
    }
    return new Decoded(frames, "", decoder.isIdle(), decoder.missing());
  }

  private static void addAll(FrameDecoder decoder, ByteBuffer in, List<Frame> frames)
      throws FrameException {
    for (Optional<Frame> frame = decoder.next(in); frame.isPresent(); frame = decoder.next(in)) {
      frames.add(frame.get());
    }
    assertThat(in.hasRemaining()).as("bytes that nobody takes").isFalse();
  }
}
