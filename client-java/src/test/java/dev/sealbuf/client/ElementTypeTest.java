package dev.sealbuf.client;

import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ElementTypeTest {
  @Test
  void theConstantsAreWhatMemoryviewKnows() {
    Map<ElementType, String> formats =
        Map.ofEntries(
            Map.entry(ElementType.BOOL, "? 1"),
            Map.entry(ElementType.INT8, "b 1"),
            Map.entry(ElementType.UINT8, "B 1"),
            Map.entry(ElementType.INT16, "h 2"),
            Map.entry(ElementType.UINT16, "H 2"),
            Map.entry(ElementType.INT32, "i 4"),
            Map.entry(ElementType.UINT32, "I 4"),
            Map.entry(ElementType.INT64, "q 8"),
            Map.entry(ElementType.UINT64, "Q 8"),
            Map.entry(ElementType.FLOAT16, "e 2"),
            Map.entry(ElementType.FLOAT32, "f 4"),
            Map.entry(ElementType.FLOAT64, "d 8"),
            Map.entry(ElementType.COMPLEX64, "Zf 8"),
            Map.entry(ElementType.COMPLEX128, "Zd 16"));
    formats.forEach((type, expected) -> {
      assertThat(type.format() + " " + type.bytes()).isEqualTo(expected);
      assertThat(type.typestr()).isEmpty();
      assertThat(ElementType.of(type.format())).isEqualTo(type).hasSameHashCodeAs(type);
    });
  }

  @Test
  void whatJavaHasATypeForHasALayout() {
    assertThat(ElementType.BOOL.layout()).contains(JAVA_BOOLEAN);
    for (ElementType type : List.of(ElementType.INT8, ElementType.UINT8, ElementType.of("c"))) {
      assertThat(type.layout()).contains(JAVA_BYTE);
    }
    for (String format : List.of("h", "H", "e", "<h", "=H", "@e")) {
      assertThat(ElementType.of(format).layout()).contains(JAVA_SHORT_UNALIGNED);
    }
    for (String format : List.of("i", "I", "<i", "=l", "<L")) {
      assertThat(ElementType.of(format).layout()).contains(JAVA_INT_UNALIGNED);
    }
    for (String format : List.of("q", "Q", "l", "L", "n", "@N", "<q")) {
      assertThat(ElementType.of(format).layout()).contains(JAVA_LONG_UNALIGNED);
    }
    assertThat(ElementType.FLOAT32.layout()).contains(JAVA_FLOAT_UNALIGNED);
    assertThat(ElementType.of("<d").layout()).contains(JAVA_DOUBLE_UNALIGNED);
    assertThat(ElementType.ofTypestr("<M8[ns]").layout()).contains(JAVA_LONG_UNALIGNED);
  }

  @Test
  void theOtherByteOrderHasItsOwn() {
    ValueLayout big = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    assertThat(ElementType.of(">i").layout()).contains(big);
    assertThat(ElementType.of("!I").layout()).contains(big);
    assertThat(ElementType.ofTypestr(">m8[h]").layout())
        .contains(JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN));
  }

  @Test
  void whatJavaHasNoTypeForHasNone() {
    for (String format : List.of("Zf", "Zd", "g", "w", "5s", "3h", "(2,3)f", "T{i:a:}", "7x")) {
      assertThat(ElementType.of(format).layout()).as(format).isEmpty();
    }
  }

  @Test
  void aStructureHasThePaddingThatItsFormatSays() {
    Map<String, Long> sizes =
        Map.of(
            "T{b:a:d:b:}", 16L,
            "T{<i:a:<d:b:}", 12L,
            "T{=b:a:xxx=d:b:xx4s:c:xx}", 20L,
            "T{T{h:x:h:y:}:p:(2,3)f:m:}", 28L,
            "3w", 12L,
            "Zg", 32L);
    sizes.forEach((format, bytes) -> assertThat(ElementType.of(format).bytes()).isEqualTo(bytes));
  }

  @Test
  void datesAreIntegersWithATypestr() {
    ElementType date = ElementType.ofTypestr(">M8[D]");
    assertThat(date.format()).isEqualTo(">q");
    assertThat(date.typestr()).contains(">M8[D]");
    assertThat(date.bytes()).isEqualTo(8);
    assertThat(date).hasToString(">M8[D]").isNotEqualTo(ElementType.of(">q"));
  }

  @Test
  void whatIsNoFormatIsRefused() {
    for (String format : List.of("", "O", "P", "&i", "X{}", "T{i", "<f8", "i\n")) {
      assertThatThrownBy(() -> ElementType.of(format))
          .as(format)
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageEndingWith("; mend the call");
    }
    for (String typestr : List.of("", "<f8", "M8", "|M8[ns]")) {
      assertThatThrownBy(() -> ElementType.ofTypestr(typestr))
          .as(typestr)
          .isInstanceOf(InvalidRequestException.class)
          .hasMessageEndingWith("; mend the call");
    }
  }
}
