package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.protocol.Description;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ShapeTest {
  private static final long SEQ_MAX = (1L << 53) - 1;

  @Test
  void theLastAxisVariesFastestInCOrder() {
    Shape shape = Shape.of(ElementType.FLOAT32, 2, 3, 4);
    assertThat(shape.dimensions()).containsExactly(2L, 3L, 4L);
    assertThat(shape.strides()).containsExactly(48L, 16L, 4L);
    assertThat(shape.items()).isEqualTo(24);
    assertThat(shape.nbytes()).isEqualTo(96);
    assertThat(shape.isC()).isTrue();
    assertThat(shape.isFortran()).isFalse();
    assertThat(shape).hasToString("f[2, 3, 4]");
  }

  @Test
  void theFirstOneDoesInFortranOrder() {
    Shape shape = Shape.ofFortran(ElementType.FLOAT32, 2, 3, 4);
    assertThat(shape.strides()).containsExactly(4L, 8L, 24L);
    assertThat(shape.isC()).isFalse();
    assertThat(shape.isFortran()).isTrue();
    assertThat(shape).hasToString("f[2, 3, 4] Fortran");
  }

  @Test
  void bothAreTheSameWithOneAxisAndWithNone() {
    for (long[] dimensions : new long[][] {{}, {0}, {7}}) {
      Shape shape = Shape.of(ElementType.INT64, dimensions);
      assertThat(shape).isEqualTo(Shape.ofFortran(ElementType.INT64, dimensions));
      assertThat(shape).hasSameHashCodeAs(Shape.ofFortran(ElementType.INT64, dimensions));
      assertThat(shape.isC() && shape.isFortran()).isTrue();
    }
  }

  @Test
  void noAxisIsOneItem() {
    Shape shape = Shape.of(ElementType.COMPLEX128);
    assertThat(shape.ndim()).isZero();
    assertThat(shape.items()).isEqualTo(1);
    assertThat(shape.nbytes()).isEqualTo(16);
    assertThat(shape.offset()).isZero();
  }

  @Test
  void anAxisWithoutItemsCountsAsOneForTheStridesAsInNumpy() {
    Shape shape = Shape.of(ElementType.INT16, 2, 0, 3);
    assertThat(shape.strides()).containsExactly(6L, 6L, 2L);
    assertThat(Shape.ofFortran(ElementType.INT16, 2, 0, 3).strides()).containsExactly(2L, 4L, 4L);
    assertThat(shape.items()).isZero();
    assertThat(shape.nbytes()).isZero();
  }

  @Test
  void anItemIsAtTheSumOfItsStrides() {
    Shape shape = Shape.of(ElementType.UINT8, 64, 224, 224, 3);
    assertThat(shape.offset(1, 0, 0, 2)).isEqualTo(224 * 224 * 3 + 2);
    assertThat(Shape.ofFortran(ElementType.INT32, 2, 3).offset(1, 2)).isEqualTo(4 + 2 * 8);
    assertThatThrownBy(() -> shape.offset(64, 0, 0, 0))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Index 64 out of bounds for length 64");
    refused(() -> shape.offset(1, 2), "an item has one index for each axis: indexes=2 ndim=4");
  }

  @Test
  void axesAreBounded() {
    long[] most = new long[64];
    Arrays.fill(most, 1);
    assertThat(Shape.of(ElementType.UINT8, most).ndim()).isEqualTo(64);
    refused(() -> Shape.of(ElementType.UINT8, new long[65]), "too many axes: ndim=65 max=64");
    refused(
        () -> Shape.ofFortran(ElementType.UINT8, 3, -1),
        "an axis has at least 0 items: shape=[3, -1]");
  }

  @Test
  void bytesAreCountedWithoutOverflow() {
    assertThat(Shape.of(ElementType.UINT8, SEQ_MAX).nbytes()).isEqualTo(SEQ_MAX);
    for (long[] dimensions :
        new long[][] {
          {SEQ_MAX + 1}, {1L << 32, 1L << 32}, {Long.MAX_VALUE, 2}, {0, Long.MAX_VALUE, 3}
        }) {
      String refusal = "a shape has at most 2^53-1 bytes: shape=" + Arrays.toString(dimensions);
      refused(() -> Shape.of(ElementType.UINT8, dimensions), refusal);
      refused(() -> Shape.ofFortran(ElementType.UINT8, dimensions), refusal);
    }
    refused(
        () -> Shape.of(ElementType.FLOAT64, SEQ_MAX / 8 + 1),
        "a shape has at most 2^53-1 bytes: shape=[1125899906842624]");
  }

  @Test
  void aPartHasWholeItemsAlongTheFirstAxis() {
    Shape shape = Shape.of(ElementType.INT32, 5, 2);
    assertThat(shape.first(24)).isEqualTo(Shape.of(ElementType.INT32, 3, 2));
    assertThat(shape.first(0)).isEqualTo(Shape.of(ElementType.INT32, 0, 2));
    assertThat(shape.first(40)).isSameAs(shape);
    refused(
        () -> shape.first(12), "a part has whole items along the first axis: nbytes=12 stride=8");
    String order = "a part is sealed of what is in C order and has an axis: shape=";
    refused(() -> Shape.ofFortran(ElementType.INT32, 5, 2).first(8), order + "i[5, 2] Fortran");
    refused(() -> Shape.of(ElementType.INT32).first(0), order + "i[]");
  }

  @Test
  void onlyWhatIsMoreThanBytesIsDescribed() {
    assertThat(Shape.of(ElementType.UINT8, 9).description()).isEmpty();
    Shape shape = Shape.ofFortran(ElementType.ofTypestr("<M8[ns]"), 2, 3);
    Description description =
        new Description("<q", Optional.of("<M8[ns]"), List.of(2L, 3L), List.of(8L, 16L));
    assertThat(shape.description()).contains(description);
    assertThat(Shape.of(description, 48)).isEqualTo(shape);
    assertThat(Shape.of(ElementType.UINT8).description())
        .contains(new Description("B", List.of(), List.of()));
  }

  @Test
  void dataHasAsManyBytesAsItsShape() {
    Shape shape = Shape.of(ElementType.FLOAT32, 3);
    assertThat(shape.requireBytes(12)).isSameAs(shape);
    refused(
        () -> shape.requireBytes(10),
        "the data has as many bytes as its shape: nbytes=10 shape=f[3] shape_bytes=12");
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessage(message + "; mend the call");
  }
}
