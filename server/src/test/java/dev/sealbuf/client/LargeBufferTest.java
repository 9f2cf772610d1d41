package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// More bytes than an array or a ByteBuffer holds, and not one of them copied.
@Tag("daemon")
@Timeout(180)
@ExtendWith(Unprivileged.class)
class LargeBufferTest {
  private static final long NBYTES = (2L << 30) + (64 << 20) + 1;
  private static final long STEP = 1 << 20;
  private static final long PRIVATE_KIB_MAX = 64 << 10;

  @Test
  void aBufferAbove2GiBIsWrittenAndReadInPlace() throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start("--capacity", "3GiB");
        Sealbuf store = daemon.connect()) {
      long before = privateKib();
      try (BufferWriter writer = store.create("large", NBYTES)) {
        MemorySegment bytes = writer.segment();
        for (long at = 0; at < NBYTES; at += STEP) {
          bytes.set(ValueLayout.JAVA_BYTE, at, (byte) (at / STEP));
        }
        assertThatThrownBy(writer::byteBuffer)
            .isInstanceOf(InvalidRequestException.class)
            .hasMessage(
                "a ByteBuffer holds at most 2 GiB, segment() any size: nbytes=%d max=2147483647;"
                        .formatted(NBYTES)
                    + " mend the call");
        writer.seal().close();
      }
      try (SealedBuffer buffer = store.get("large")) {
        assertThat(buffer.nbytes()).isEqualTo(NBYTES);
        for (long at = 0; at < NBYTES; at += STEP) {
          assertThat(buffer.segment().get(ValueLayout.JAVA_BYTE, at)).isEqualTo((byte) (at / STEP));
        }
        assertThatThrownBy(buffer::toByteArray)
            .isInstanceOf(InvalidRequestException.class)
            .hasMessageStartingWith("an array holds at most 2 GiB, segment() any size: nbytes=");
      }
      assertThat(privateKib() - before).as("a copy would show").isLessThan(PRIVATE_KIB_MAX);
    }
  }

  private static long privateKib() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("RssAnon:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
