package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.FrameException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Lengths that a frame only claims cost the receiver nothing.
class FrameBoundsTest {
  private static final long ALLOCATION_MAX = 64 * 1024;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "65537, 0",
    "2147483647, 0",
    "-2147483648, 0",
    "-1, 0",
    "1, 2097153",
    "1, 2147483647",
    "1, 2147483648",
    "1, 4294967295",
    "1, 9223372036854775807",
    "1, -9223372036854775808",
    "1, -1"
  })
  void aRefusedLengthAllocatesNothing(int headBytes, long payloadBytes) {
    ByteBuffer prefix = prefix(headBytes, payloadBytes);
    assertThatThrownBy(() -> FrameDecoder.ofRequests().next(prefix.duplicate()))
        .isInstanceOf(FrameException.class);
    FrameDecoder decoder = FrameDecoder.ofRequests();
    long before = threads.getCurrentThreadAllocatedBytes();
    boolean refused = isRefused(decoder, prefix);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(refused).isTrue();
    assertThat(allocated).isLessThan(ALLOCATION_MAX);
  }

  @Test
  void theLargestFrameIsNotRefused() {
    assertThat(isRefused(FrameDecoder.ofRequests(), prefix(65536, 2097152))).isFalse();
  }

  private static boolean isRefused(FrameDecoder decoder, ByteBuffer prefix) {
    try {
      return decoder.next(prefix).isPresent();
    } catch (FrameException _) {
      return true;
    }
  }

  private static ByteBuffer prefix(int headBytes, long payloadBytes) {
    return ByteBuffer.allocate(16)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {'S', 'B', 1, 0})
        .putInt(headBytes)
        .putLong(payloadBytes)
        .flip();
  }
}
