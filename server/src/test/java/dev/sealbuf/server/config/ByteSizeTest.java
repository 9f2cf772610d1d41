package dev.sealbuf.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "12B, 12",
    "1KiB, 1024",
    "64MiB, 67108864",
    "4GiB, 4294967296",
    "4 GiB, 4294967296",
    "2TiB, 2199023255552"
  })
  void unitsArePowersOf1024(String text, long bytes) {
    assertThat(ByteSize.parse(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GiB", "-1", "1.5GiB", "4GB", "4G", "4gib", "0x10", "1e3"})
  void whatCouldBeReadInTwoWaysIsRefused(String text) {
    assertThatThrownBy(() -> ByteSize.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a size is a number with KiB, MiB, GiB or TiB, or of bytes: size=" + text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"8388608TiB", "999999999999999999KiB"})
  void whatDoesNotFitIsRefused(String text) {
    assertThatThrownBy(() -> ByteSize.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a size is at most 8 EiB: size=" + text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.00 KiB",
    "10240, 10.0 KiB",
    "104857600, 100 MiB",
    "1610612736, 1.50 GiB",
    "9223372036854775807, 8388608 TiB"
  })
  void peopleReadThreeDigitsAndAUnit(long bytes, String text) {
    assertThat(ByteSize.human(bytes)).isEqualTo(text);
  }
}
