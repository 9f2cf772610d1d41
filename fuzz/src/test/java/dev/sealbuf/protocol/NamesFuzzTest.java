package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/// A name that is taken comes back as it was and is 1 to 255 bytes long; any text is fit for a log
/// line when it has been made printable.
final class NamesFuzzTest {
  /// @param utf16 so that surrogates without their partners can be written
  @MethodSource("names")
  @FuzzTest
  void aNameIsTakenAsItIsOrRefused(byte[] utf16) {
    String name = ByteBuffer.wrap(utf16).asCharBuffer().toString();
    assertThat(Names.printable(name)).doesNotContainPattern("\\p{Cc}|\\p{Cs}");
    byte[] taken;
    try {
      taken = Names.utf8(name);
    } catch (NameException e) {
      assertThat(e.getMessage()).doesNotContainPattern("\\p{Cc}");
      return;
    }
    assertThat(taken).hasSizeBetween(1, Limits.NAME_MAX);
    assertThat(new String(taken, UTF_8)).isEqualTo(name).doesNotContainPattern("\\p{Cc}|\\p{Cs}");
  }

  static Stream<byte[]> names() {
    return Stream.of(
            "greeting",
            "",
            "a/b",
            "é".repeat(127),
            "x".repeat(256),
            "\ud800?",
            "\ud83d\ude00",
            "\n")
        .map(name -> {
          ByteBuffer utf16 = ByteBuffer.allocate(2 * name.length());
          utf16.asCharBuffer().put(name);
          return utf16.array();
        });
  }
}
