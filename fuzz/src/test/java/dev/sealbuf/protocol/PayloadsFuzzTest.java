package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/// A payload that is a list is read, with as many rows as were announced, or refused.
final class PayloadsFuzzTest {
  @FunctionalInterface
  private interface Read<T> {
    List<T> read() throws HeadException;
  }

  /// @param input how many rows are announced, and the payload
  @MethodSource("dev.sealbuf.protocol.Seeds#payloads")
  @FuzzTest
  void aListIsReadOrRefused(byte[] input) throws HeadException {
    if (input.length == 0) {
      return;
    }
    int count = Byte.toUnsignedInt(input[0]);
    ByteBuffer payload = ByteBuffer.wrap(input, 1, input.length - 1).slice();
    var lengths = read(count, () -> BatchIndex.readLengths(payload.duplicate(), count));
    if (!lengths.isEmpty()) {
      assertThat(BatchIndex.readLengths(BatchIndex.writeLengths(lengths), count))
          .isEqualTo(lengths);
    }
    var places = read(count, () -> BatchIndex.readPlaces(payload.duplicate(), count));
    if (!places.isEmpty()) {
      assertThat(BatchIndex.readPlaces(BatchIndex.writePlaces(places), count)).isEqualTo(places);
    }
    var names = read(count, () -> NameList.read(payload.duplicate(), count));
    if (!names.isEmpty()) {
      assertThat(NameList.read(NameList.write(names), count)).isEqualTo(names);
    }
    readOrRefused(() -> ListingPayload.read(payload.duplicate()));
    readOrRefused(() -> HoldingPayload.read(payload.duplicate()));
  }

  private static <T> List<T> read(int count, Read<T> read) {
    List<T> rows = readOrRefused(read);
    assertThat(rows.size()).isIn(0, count);
    return rows;
  }

  private static <T> List<T> readOrRefused(Read<T> read) {
    try {
      return read.read();
    } catch (HeadException e) {
      assertThat(e.getMessage()).doesNotContain("\n");
      return List.of();
    }
  }
}
