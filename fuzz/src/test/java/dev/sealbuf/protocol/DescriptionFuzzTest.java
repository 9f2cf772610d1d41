package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import com.code_intelligence.jazzer.mutation.annotation.WithSize;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// A description is refused, or its items fill the buffer; shortened, it is still good.
final class DescriptionFuzzTest {
  @MethodSource("descriptions")
  @FuzzTest
  void aDescriptionIsRefusedOrAddsUp(
      @NotNull String format,
      @NotNull String typestr,
      @NotNull @WithSize(max = 66) List<@NotNull Long> shape,
      @NotNull @WithSize(max = 66) List<@NotNull Long> strides,
      long nbytes,
      long shorter) {
    checkFormat(format);
    Optional<String> optional = typestr.isEmpty() ? Optional.empty() : Optional.of(typestr);
    Description description = new Description(format, optional, shape, strides);
    if (accepts(description, nbytes)) {
      long items = shape.stream().reduce(1L, Math::multiplyExact);
      assertThat(Math.multiplyExact(items, description.itemBytes(nbytes))).isEqualTo(nbytes);
      checkShorter(description, Math.floorMod(shorter, nbytes + 1));
    }
  }

  private static void checkFormat(String format) {
    try {
      ItemFormat parsed = ItemFormat.parse(format);
      assertThat(parsed.packedBytes()).isNotNegative().isLessThanOrEqualTo(parsed.alignedBytes());
      assertThat(parsed.alignedBytes()).isLessThanOrEqualTo(parsed.paddedBytes());
    } catch (DescriptionException e) {
      assertThat(e.getMessage()).doesNotContain("\n");
    }
  }

  private static void checkShorter(Description description, long nbytes) {
    Description shorter;
    try {
      shorter = DescriptionRules.shorten(description, nbytes);
    } catch (DescriptionException e) {
      return;
    }
    assertThat(accepts(shorter, nbytes)).as("%s of %d bytes", shorter, nbytes).isTrue();
  }

  private static boolean accepts(Description description, long nbytes) {
    try {
      DescriptionRules.check(description, nbytes);
      return true;
    } catch (DescriptionException e) {
      assertThat(e.getMessage()).doesNotContain("\n");
      return false;
    }
  }

  static Stream<Arguments> descriptions() {
    return Stream.of(
        Arguments.of("B", "", List.of(5L), List.of(1L), 5L, 3L),
        Arguments.of("<f", "", List.of(3L, 2L), List.of(8L, 4L), 24L, 16L),
        Arguments.of("<f", "", List.of(3L, 2L), List.of(4L, 12L), 24L, 4L),
        Arguments.of("q", "<M8[ns]", List.of(2L), List.of(8L), 16L, 8L),
        Arguments.of("T{<h:a:(2,3)d:b:}", "", List.of(1L), List.of(50L), 50L, 0L),
        Arguments.of("T{b:x:i:y:}", "", List.of(0L, 4L), List.of(32L, 8L), 0L, 0L),
        Arguments.of("10s3x", "", List.of(), List.of(), 13L, 0L));
  }
}
