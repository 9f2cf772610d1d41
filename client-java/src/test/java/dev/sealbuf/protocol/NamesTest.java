package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
  @ParameterizedTest
  @ValueSource(strings = {"a", "/", "../x", ".", " ", "é", "e\u0301", "\ud83d\ude00", "\"\\"})
  void whatIsNoControlCharacterIsKeptByteExact(String name) throws NameException {
    assertThat(Names.utf8(name)).isEqualTo(name.getBytes(UTF_8));
  }

  @Test
  void aNameHas255BytesAtMostWhateverItsLetters() throws NameException {
    assertThat(Names.utf8("a".repeat(255))).hasSize(255);
    assertThat(Names.utf8("é".repeat(127) + "a")).hasSize(255);
    refused("a".repeat(256), "name too long: bytes=256 max=255");
    refused("é".repeat(128), "name too long: bytes=256 max=255");
    refused("a".repeat(1 << 20), "name too long: bytes=1048576 max=255");
  }

  @Test
  void anEmptyNameIsRefusedButAnEmptyPrefixIsNot() throws NameException {
    refused("", "name is empty: bytes=0 min=1");
    assertThat(Names.prefix("")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(chars = {0, 1, '\n', 0x1b, 0x1f, 0x7f, 0x80, 0x9f})
  void controlCharactersAreRefused(char control) {
    refused(
        "ab" + control, "name has a control character: char=U+%04X at=2".formatted((int) control));
  }

  @Test
  void unpairedSurrogatesAreRefused() {
    refused("\ud83d", "name has an unpaired surrogate: char=U+D83D at=0");
    refused("a\ude00", "name has an unpaired surrogate: char=U+DE00 at=1");
    refused("\ude00\ud83d", "name has an unpaired surrogate: char=U+DE00 at=0");
    refused("a\ud83db", "name has an unpaired surrogate: char=U+D83D at=1");
  }

  @Test
  void whatIsPrintedIsOneLineOfBoundedLength() {
    assertThat(Names.printable("a\n\u001b[0m\ud83db")).isEqualTo("a\\u000a\\u001b[0m\\ud83db");
    assertThat(Names.printable("a".repeat(1000))).hasSize(303).endsWith("a...");
  }

  private static void refused(String name, String message) {
    assertThatThrownBy(() -> Names.utf8(name))
        .isInstanceOf(NameException.class)
        .hasMessage(message);
  }
}
