package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ItemFormatTest {
  /// Formats and the sizes that others give them. `numpy`: of arrays that NumPy described and reads
  /// back itself; `packed`: the same without alignment; `struct`: by struct.calcsize; `pep3118`: of
  /// formats that NumPy read. On x86-64, with NumPy 2.4.6.
  static List<String> formats() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(ItemFormatTest.class.getResourceAsStream("formats.tsv")),
                StandardCharsets.UTF_8))) {
      return lines.lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void itGivesItemsTheSizeThatOthersGiveThem(String line) throws DescriptionException {
    String[] parts = line.split("\t", 3);
    long bytes = Long.parseLong(parts[1]);
    ItemFormat format = ItemFormat.parse(parts[2]);
    assertThat(format.canHave(bytes)).as("%s %s", line, format).isTrue();
    long expected =
        switch (parts[0]) {
          case "packed" -> format.packedBytes();
          case "struct" -> format.alignedBytes();
          default -> format.paddedBytes();
        };
    assertThat(expected).as("%s %s", line, format).isEqualTo(bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "b,       1,  1,  1",
    "db,      9,  9, 16",
    "bd,      9, 16, 16",
    "<bd,     9,  9,  9",
    "^bd,     9,  9,  9",
    "<lL,     8,  8,  8",
    "lL,     16, 16, 16",
    "bT{db}d, 18, 32, 32",
    "2T{db},  18, 32, 32",
    "bd<bd,  18, 25, 25",
    "b0l,     1,  8,  8",
    "0sB,     1,  1,  1",
    "u,       2,  2,  2",
    "<n,      0,  0,  0",
  })
  void paddingIsKnownInNativeFormats(String format, long packed, long aligned, long padded)
      throws DescriptionException {
    if (packed == 0) {
      refused(format, "an item has this code in native formats only: code=n format_at=1");
    } else {
      assertThat(ItemFormat.parse(format)).isEqualTo(new ItemFormat(packed, aligned, padded));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "O              # an item is not a pointer: code=O format_at=0",
        "dP             # an item is not a pointer: code=P format_at=1",
        "&d             # an item is not a pointer: code=& format_at=0",
        "T{d:a:X{}:b:}  # an item is not a pointer: code=X format_at=6",
        "Z              # no item has this code: code=Z format_at=0",
        "Zq             # no item has this code: code=Zq format_at=0",
        "t              # no item has this code: code=t format_at=0",
        "T              # no item has this code: code=T format_at=0",
        "<f8            # a format ends with an item: format_at=3",
        "<              # a format ends with an item: format_at=1",
        "(2)            # a format ends with an item: format_at=3",
        "(2d            # a sub-array ends with a bracket: format_at=0",
        "(2,)d          # a number has digits: format_at=3",
        "(-1)d          # a number has digits: format_at=1",
        "(2,0)d         # a sub-array has 1 item or more: format_at=0",
        "(2)0d          # what has no bytes is not repeated: format_at=0",
        "T{}            # a structure has 1 byte or more: format_at=0",
        "9T{0d}         # a structure has 1 byte or more: format_at=1",
        "T{d            # a structure ends with a brace: format_at=0",
        "d}             # a structure ends where none has begun: format_at=1",
        "T{d:a}         # a name is between two colons: format_at=3",
        "T{d::}         # a name is between two colons: format_at=3",
        "T{d:a:b:}      # a name is between two colons: format_at=7",
        ":a:            # no item has this code: code=: format_at=0",
        ">g             # an item has this code in native formats only: code=g format_at=1",
        "<Zg            # an item has this code in native formats only: code=Zg format_at=1",
        "١d             # no item has this code: code=١ format_at=0",
      })
  void whatIsNotAFormatIsRefusedWithItsPlace(String format, String message) {
    refused(format, message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "9007199254740992b",
        "99999999999999999999999999b",
        "1125899906842624d",
        "(94906267,94906267)b",
        "4503599627370496b4503599627370496b",
        "9007199254740991bd",
        "(9007199254740991)(9007199254740991)b",
        "99999999T{99999999T{9999999d}}",
      })
  void sizesThatNoIntegerHoldsAreRefused(String format) {
    assertThatThrownBy(() -> ItemFormat.parse(format))
        .isInstanceOf(DescriptionException.class)
        .hasMessageMatching("an item has at most 9007199254740991 bytes: format_at=\\d+");
  }

  @Test
  void theLargestSizeIsRead() throws DescriptionException {
    assertThat(ItemFormat.parse("9007199254740991b").packedBytes()).isEqualTo(Limits.SEQ_MAX);
    assertThat(ItemFormat.parse("<1125899906842623d").packedBytes()).isEqualTo((1L << 53) - 8);
  }

  @Test
  void structuresAreNestedSixteenDeep() throws DescriptionException {
    assertThat(ItemFormat.parse("T{".repeat(16) + "d" + "}".repeat(16)).packedBytes()).isEqualTo(8);
    refused(
        "T{".repeat(17) + "d" + "}".repeat(17),
        "structures are nested at most 16 deep: format_at=32");
  }

  /// A format that is made together with its size.
  private record Sized(String text, long bytes) {}

  @Test
  void aFormatOfAnyMembersHasTheSumOfTheirSizes() throws DescriptionException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 5_000; round++) {
      Sized sized = members(random, 0);
      String order = String.valueOf("<>=!".charAt(random.nextInt(4)));
      assertThat(ItemFormat.parse(order + sized.text))
          .as("seed %d format %s", seed, order + sized.text)
          .isEqualTo(new ItemFormat(sized.bytes, sized.bytes, sized.bytes));
    }
  }

  private static Sized members(Random random, int depth) {
    StringBuilder text = new StringBuilder();
    long bytes = 0;
    for (int left = 1 + random.nextInt(4); left > 0; left--) {
      Sized member = member(random, depth);
      text.append(" ".repeat(random.nextInt(2))).append(member.text);
      bytes += member.bytes;
    }
    return new Sized(text.toString(), bytes);
  }

  private static Sized member(Random random, int depth) {
    String codes = "xcbB?spheuHiIlLfwqQd";
    String sizes = "11111112222444444888";
    int code = random.nextInt(codes.length());
    Sized one = new Sized(codes.substring(code, code + 1), sizes.charAt(code) - '0');
    if (depth < 5 && random.nextInt(4) == 0) {
      Sized inner = members(random, depth + 1);
      one = new Sized("T{" + inner.text + "}", inner.bytes);
    }
    int count = 1 + random.nextInt(9);
    int rows = 1 + random.nextInt(3);
    String axes = random.nextInt(3) == 0 ? "(" + rows + ",2)(2)" : "";
    long copies = (long) count * (axes.isEmpty() ? 1 : rows * 4L);
    String name = random.nextBoolean() ? ":<n}" + random.nextInt(10) + ":" : "";
    return new Sized(axes + count + one.text + name, copies * one.bytes);
  }

  /// Whatever the text, the answer is a size that is right by its own count, or a refusal.
  @Test
  void noTextMakesItFail() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String alphabet = "bhdgZfTTXO{}{}(),:@=<> 0123456789xsw";
    for (int round = 0; round < 50_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int length = random.nextInt(24); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(outcome(text.toString()))
          .as("seed %d text %s", seed, text)
          .matches("size|refused");
    }
  }

  private static String outcome(String text) {
    try {
      ItemFormat format = ItemFormat.parse(text);
      boolean ordered =
          format.packedBytes() >= 0
              && format.packedBytes() <= format.alignedBytes()
              && format.alignedBytes() <= format.paddedBytes()
              && format.paddedBytes() <= Limits.SEQ_MAX;
      return ordered ? "size" : format.toString();
    } catch (DescriptionException _) {
      return "refused";
    } catch (RuntimeException e) {
      return e.toString();
    }
  }

  private static void refused(String format, String message) {
    assertThatThrownBy(() -> ItemFormat.parse(format))
        .isInstanceOf(DescriptionException.class)
        .hasMessage(message);
  }
}
