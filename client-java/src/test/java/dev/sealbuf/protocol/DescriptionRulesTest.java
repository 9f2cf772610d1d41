package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DescriptionRulesTest {
  private static final long MAX = Limits.SEQ_MAX;

  @Test
  void contiguousArraysAreDescribed() {
    accepted(new Description("B", List.of(5L), List.of(1L)), 5);
    accepted(new Description("<d", List.of(2L, 3L), List.of(24L, 8L)), 48);
    accepted(new Description("<d", List.of(2L, 3L), List.of(8L, 16L)), 48);
    accepted(new Description("<d", List.of(1L, 1L), List.of(8L, 8L)), 8);
    accepted(new Description("T{<i:a:<d:b:}", List.of(), List.of()), 12);
    accepted(new Description("bd", List.of(2L), List.of(9L)), 18);
    accepted(new Description("bd", List.of(2L), List.of(16L)), 32);
  }

  @Test
  void anAxisOfNoItemsCountsAsOneOfOne() {
    accepted(new Description("<d", List.of(0L), List.of(8L)), 0);
    accepted(new Description("<d", List.of(0L, 3L), List.of(24L, 8L)), 0);
    accepted(new Description("<d", List.of(3L, 0L), List.of(8L, 8L)), 0);
    accepted(new Description("<d", List.of(3L, 0L), List.of(8L, 24L)), 0);
    String contiguous = "strides are those of a contiguous array in C or Fortran order: ";
    refused(
        new Description("<d", List.of(3L, 0L), List.of(0L, 8L)),
        0,
        "an item has 1 byte or more: item_bytes=0");
    refused(
        new Description("<d", List.of(0L, 3L), List.of(8L, 16L)),
        0,
        contiguous + "shape=[0,3] strides=[8,16]");
  }

  @Test
  void stridesThatAreNotContiguousAreRefused() {
    String rule = "strides are those of a contiguous array in C or Fortran order: ";
    for (List<Long> strides :
        List.of(List.of(32L, 8L), List.of(8L, 8L), List.of(8L, 24L), List.of(8L, 1L << 52))) {
      String shown = strides.toString().replace(" ", "");
      refused(
          new Description("<d", List.of(2L, 3L), strides),
          48,
          rule + "shape=[2,3] strides=" + shown);
    }
    refused(
        new Description("<d", List.of(2L, 3L, 4L), List.of(8L, 64L, 16L)),
        192,
        rule + "shape=[2,3,4] strides=[8,64,16]");
  }

  @Test
  void itemsFillTheBuffer() {
    Description two = new Description("<d", List.of(2L), List.of(8L));
    accepted(two, 16);
    refused(two, 15, "items fill the buffer: items=2 item_bytes=8 nbytes=15");
    refused(two, 17, "items fill the buffer: items=2 item_bytes=8 nbytes=17");
    refused(
        new Description("<d", List.of(0L), List.of(8L)),
        8,
        "items fill the buffer: items=0 item_bytes=8 nbytes=8");
  }

  @Test
  void itemsAreAsLargeAsTheirFormatSays() {
    String rule = "items are as large as their format says: ";
    refused(new Description("<d", List.of(4L), List.of(4L)), 16, rule + "item_bytes=4 format=8");
    refused(
        new Description("bdb", List.of(1L), List.of(16L)),
        16,
        rule + "item_bytes=16 format=10|17|24");
    refused(new Description("<d", List.of(), List.of()), 7, rule + "item_bytes=7 format=8");
    refused(
        new Description("9007199254740991b", List.of(), List.of()),
        1,
        rule + "item_bytes=1 format=9007199254740991");
  }

  @Test
  void itemsWithoutBytesAreRefused() {
    refused(
        new Description("0s", List.of(MAX), List.of(0L)),
        0,
        "an item has 1 byte or more: item_bytes=0");
    refused(
        new Description("0s", List.of(), List.of()), 0, "an item has 1 byte or more: item_bytes=0");
  }

  @Test
  void noProductExceedsFiftyThreeBits() {
    accepted(new Description("b", List.of(0L, MAX), List.of(MAX, 1L)), 0);
    String rule = "array too large, axes of 0 items counted as 1: ";
    refused(
        new Description("h", List.of(0L, MAX), List.of(2L, 2L)),
        0,
        rule + "shape=[0,9007199254740991] item_bytes=2 max=9007199254740991");
    refused(
        new Description("b", List.of(1L << 32, 1L << 32), List.of(1L << 32, 1L)),
        0,
        rule + "shape=[4294967296,4294967296] item_bytes=1 max=9007199254740991");
    refused(
        new Description("9007199254740991b", List.of(2L), List.of(MAX)),
        MAX - 1,
        rule + "shape=[2] item_bytes=9007199254740991 max=9007199254740991");
  }

  @Test
  void thereAreAtMostSixtyFourAxes() {
    accepted(new Description("b", Collections.nCopies(64, 1L), Collections.nCopies(64, 1L)), 1);
    refused(
        new Description("b", Collections.nCopies(65, 1L), Collections.nCopies(65, 1L)),
        1,
        "too many axes: min=65 max=64");
    refused(
        new Description("b", List.of(1L), List.of()),
        1,
        "each axis has a stride: shape=[1] strides=[]");
  }

  @Test
  void numbersAreInRange() {
    refused(
        new Description("b", List.of(-1L), List.of(1L)),
        1,
        "integer out of bounds: field=shape value=-1 min=0 max=9007199254740991");
    refused(
        new Description("b", List.of(1L), List.of(MAX + 1)),
        1,
        "integer out of bounds: field=strides value=9007199254740992 min=0 max=9007199254740991");
  }

  @Test
  void aFormatIsALineOfAtMost4096Bytes() {
    accepted(new Description("b".repeat(4096), List.of(), List.of()), 4096);
    refused(
        new Description("b".repeat(4097), List.of(), List.of()),
        4097,
        "format too long: bytes=4097 max=4096");
    accepted(new Description("b:" + "é".repeat(2046) + "x:", List.of(), List.of()), 1);
    refused(
        new Description("b:" + "é".repeat(2047) + ":", List.of(), List.of()),
        1,
        "format too long: bytes=4097 max=4096");
    refused(new Description("", List.of(), List.of()), 1, "format is empty: bytes=0 min=1");
    refused(
        new Description("b:\0:", List.of(), List.of()),
        1,
        "format has a control character: char=U+0000 format_at=2");
    refused(
        new Description("b:\ud800:", List.of(), List.of()),
        1,
        "format has an unpaired surrogate: char=U+D800 format_at=2");
  }

  @Test
  void aTypestrIsThatOfATimeAndItsFormatAnInteger() {
    for (String typestr : List.of("<M8[ns]", "<m8", "<M8[25s]", "<m8[999999999as]")) {
      accepted(typed(typestr, "<q"), 8);
      accepted(typed(typestr, "q"), 8);
    }
    accepted(typed(">M8[D]", ">q"), 8);
    String wrong = "a typestr is one of datetime64 or timedelta64: typestr=";
    for (String typestr :
        List.of("", "|O", "<f8", "<M4[s]", "M8[s]", "<M8[]", "<M8[0s]", "<M8[s]x", "<M8[\n]")) {
      refused(typed(typestr, "<q"), 8, wrong + typestr.replace("\n", "\\u000a"));
    }
    refused(typed("<M8[" + "1".repeat(28) + "]", "<q"), 8, "typestr too long: chars=33 max=32");
    String format = "with a typestr the format is q with the same byte order: ";
    refused(typed("<M8[s]", ">q"), 8, format + "typestr=<M8[s] format=>q");
    refused(typed("<M8[s]", "<d"), 8, format + "typestr=<M8[s] format=<d");
    refused(typed(">M8[s]", "q"), 8, format + "typestr=>M8[s] format=q");
  }

  @Test
  void wholeItemsAreTakenOffTheFirstAxis() throws DescriptionException {
    Description rows = new Description("<d", List.of(4L, 3L), List.of(24L, 8L));
    assertThat(DescriptionRules.shorten(rows, 48))
        .isEqualTo(new Description("<d", List.of(2L, 3L), List.of(24L, 8L)));
    assertThat(DescriptionRules.shorten(rows, 0).shape()).isEqualTo(List.of(0L, 3L));
    String rule = "a described buffer in C order is shortened by whole items of its first axis: ";
    assertThatThrownBy(() -> DescriptionRules.shorten(rows, 40))
        .isInstanceOf(DescriptionException.class)
        .hasMessage(rule + "nbytes=40 shape=[4,3] strides=[24,8]");
    Description columns = new Description("<d", List.of(4L, 3L), List.of(8L, 32L));
    assertThatThrownBy(() -> DescriptionRules.shorten(columns, 32))
        .hasMessage(rule + "nbytes=32 shape=[4,3] strides=[8,32]");
    Description one = new Description("<d", List.of(), List.of());
    assertThatThrownBy(() -> DescriptionRules.shorten(one, 0))
        .hasMessage(rule + "nbytes=0 shape=[] strides=[]");
  }

  /// What is accepted is contiguous by the definition: items at distinct places that fill the
  /// buffer, in one of the two orders.
  @Test
  void whatIsAcceptedIsAnArrayThatFillsItsBuffer() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int accepted = 0;
    for (int round = 0; round < 50_000; round++) {
      List<Long> shape = numbers(random, random.nextInt(4), 4);
      List<Long> strides =
          random.nextBoolean() ? oracle(shape, 2, random) : numbers(random, shape.size(), 9);
      long nbytes = random.nextBoolean() ? product(shape) * 2 : random.nextInt(60);
      boolean right =
          nbytes == product(shape) * 2
              && (strides.equals(strides(shape, 2, true))
                  || strides.equals(strides(shape, 2, false)));
      assertThat(isAccepted(new Description("h", shape, strides), nbytes))
          .as("seed %d shape %s strides %s nbytes %d", seed, shape, strides, nbytes)
          .isEqualTo(right);
      accepted += right ? 1 : 0;
    }
    assertThat(accepted).as("seed %d", seed).isBetween(5_000, 45_000);
  }

  private static List<Long> numbers(Random random, int count, int bound) {
    return Stream.generate(() -> (long) random.nextInt(bound)).limit(count).toList();
  }

  private static List<Long> oracle(List<Long> shape, long item, Random random) {
    return strides(shape, item, random.nextBoolean());
  }

  /// As NumPy's documentation has them.
  private static List<Long> strides(List<Long> shape, long item, boolean c) {
    List<Long> strides = new ArrayList<>();
    for (int axis = 0; axis < shape.size(); axis++) {
      List<Long> inner = c ? shape.subList(axis + 1, shape.size()) : shape.subList(0, axis);
      strides.add(item * product(inner.stream().map(items -> Math.max(items, 1)).toList()));
    }
    return strides;
  }

  private static long product(List<Long> values) {
    return values.stream().reduce(1L, (a, b) -> a * b);
  }

  private static boolean isAccepted(Description description, long nbytes) {
    try {
      DescriptionRules.check(description, nbytes);
      return true;
    } catch (DescriptionException _) {
      return false;
    }
  }

  private static Description typed(String typestr, String format) {
    return new Description(format, Optional.of(typestr), List.of(1L), List.of(8L));
  }

  private static void accepted(Description description, long nbytes) {
    assertThatCode(() -> DescriptionRules.check(description, nbytes)).doesNotThrowAnyException();
  }

  private static void refused(Description description, long nbytes, String message) {
    assertThatThrownBy(() -> DescriptionRules.check(description, nbytes))
        .isInstanceOf(DescriptionException.class)
        .hasMessage(message);
  }
}
