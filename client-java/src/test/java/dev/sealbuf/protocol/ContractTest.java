package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The tables of `protocol/PROTOCOL.md` and `protocol/LAYOUT.md` are what the code does.
class ContractTest {
  private static final Map<String, String> OPS = Map.of("ListNames", "list");
  private static final Map<String, String> REPLIES = Map.of("Failure", "error");

  @Test
  void limitsAreThoseOfTheTable() throws IllegalAccessException {
    Map<String, Long> code = new LinkedHashMap<>();
    for (var field : Limits.class.getFields()) {
      code.put(field.getName(), ((Number) field.get(null)).longValue());
    }
    Map<String, Long> table = new LinkedHashMap<>();
    Documents.tableUnder("PROTOCOL.md", "Limits")
        .forEach(row -> table.put(row.get(0), Long.valueOf(row.get(1))));
    assertThat(code).isEqualTo(table);
  }

  @Test
  void requestsAndTheirFieldsAreThoseOfTheTable() {
    Map<String, String> table = new LinkedHashMap<>();
    Documents.tableUnder("PROTOCOL.md", "Requests")
        .forEach(row -> table.put(row.get(0), row.get(1)));
    assertThat(messages(Request.class, OPS)).isEqualTo(table);
  }

  @Test
  void repliesAndTheirFieldsAreThoseOfTheTable() {
    Map<String, String> table = new LinkedHashMap<>();
    Documents.tableUnder("PROTOCOL.md", "Replies")
        .forEach(row -> table.put(row.get(0), row.get(1)));
    assertThat(messages(Reply.class, REPLIES)).isEqualTo(table);
  }

  @Test
  void requestsThatCarryAPayloadAreThoseOfTheTable() {
    for (List<String> row : Documents.tableUnder("PROTOCOL.md", "Requests")) {
      boolean carries =
          Arrays.stream(record(Request.class, OPS, row.get(0)).getRecordComponents())
              .anyMatch(component -> component.getName().equals("payload"));
      assertThat(carries).as(row.get(0)).isEqualTo(!row.get(2).equals("-"));
    }
  }

  @Test
  void errorCodesAreThoseOfTheTable() {
    List<List<String>> table = Documents.tableUnder("PROTOCOL.md", "Errors");
    assertThat(Arrays.stream(ErrorCode.values()).map(ErrorCode::code))
        .containsExactlyElementsOf(table.stream().map(List::getFirst).toList());
    for (List<String> row : table) {
      ErrorCode code = ErrorCode.of(row.getFirst()).orElseThrow();
      assertThat(code.raisedByDaemon()).as(code.code()).isEqualTo(row.get(3).contains("daemon"));
    }
  }

  @Test
  void headerFieldsAreThoseOfTheTable() {
    assertThat(fields(HeaderLayout.LAYOUT, 0))
        .isEqualTo(rows(Documents.tableUnder("LAYOUT.md", "Catalog header")));
    assertThat(HeaderLayout.LAYOUT.byteSize()).isEqualTo(HeaderLayout.PAGE_BYTES);
  }

  @Test
  void recordFieldsAreThoseOfTheTable() {
    List<List<String>> table = Documents.tableUnder("LAYOUT.md", "Record");
    List<List<String>> fixed =
        table.stream().takeWhile(row -> !row.get(3).equals("shape")).toList();
    assertThat(fields(RecordLayout.LAYOUT, 0)).isEqualTo(rows(fixed));
    assertThat(table.stream().skip(fixed.size()).map(row -> row.get(3)))
        .containsExactly("shape", "strides", "name", "format", "typestr", "metadata");
    assertThat(RecordLayout.SHAPE).isEqualTo(Long.parseLong(table.get(fixed.size()).get(0)));
    for (int ndim : List.of(0, 1, 3, 64)) {
      RecordParts parts = new RecordParts(ndim, 1, 10, 100, 1000);
      assertThat(parts.strides()).isEqualTo(RecordLayout.SHAPE + 8L * ndim);
      assertThat(parts.name()).isEqualTo(RecordLayout.SHAPE + 16L * ndim);
      assertThat(parts.format()).isEqualTo(parts.name() + 1);
      assertThat(parts.typestr()).isEqualTo(parts.format() + 10);
      assertThat(parts.metadata()).isEqualTo(parts.typestr() + 100);
      assertThat(parts.bytes()).isEqualTo(parts.metadata() + 1000);
    }
  }

  @Test
  void prefixFieldsAreThoseOfTheTable() {
    StructLayout prefix =
        MemoryLayout.structLayout(
            MemoryLayout.sequenceLayout(2, LittleEndian.U8).withName("magic"),
            LittleEndian.U8.withName("version"),
            LittleEndian.U8.withName("descriptors"),
            LittleEndian.U32.withName("head_bytes"),
            LittleEndian.U64.withName("payload_bytes"));
    List<List<String>> table = Documents.tableUnder("PROTOCOL.md", "Frame");
    assertThat(fields(prefix, 0)).isEqualTo(rows(table.subList(0, 5)));
    assertThat(prefix.byteSize()).isEqualTo(Prefix.BYTES);
  }

  @Test
  void bitFieldsOfWordsAreThoseOfTheTables() {
    Map<String, String> directory = new LinkedHashMap<>();
    Documents.tableUnder("LAYOUT.md", "Directory word")
        .forEach(row -> directory.put(row.get(1), row.get(0)));
    assertThat(directory)
        .isEqualTo(
            Map.of(
                "log2_slots", bits(0, DirectoryWord.PAGE_SHIFT),
                "page", bits(DirectoryWord.PAGE_SHIFT, DirectoryWord.SEGMENT_SHIFT),
                "segment", bits(DirectoryWord.SEGMENT_SHIFT, Long.SIZE)));
    Map<String, String> table = new LinkedHashMap<>();
    Documents.tableUnder("LAYOUT.md", "Table word")
        .forEach(row -> table.put(row.get(1), row.get(0)));
    assertThat(table)
        .isEqualTo(
            Map.of(
                "offset64", bits(0, TableWord.SLAB_SHIFT),
                "slab", bits(TableWord.SLAB_SHIFT, TableWord.TAG_SHIFT),
                "tag", bits(TableWord.TAG_SHIFT, Long.SIZE)));
  }

  @Test
  void specialWordsAndConstantsAreThoseOfTheTables() {
    Map<String, Long> words = new LinkedHashMap<>();
    Documents.table("LAYOUT.md", "Word", "Value")
        .forEach(row -> words.put(row.get(0), Long.valueOf(row.get(1))));
    assertThat(words).isEqualTo(Map.of("EMPTY", TableWord.EMPTY, "GONE", TableWord.GONE));
    assertThat(String.join("\n", Documents.lines(Documents.protocol("LAYOUT.md"))))
        .contains("WINDOW = " + TableWord.WINDOW)
        .contains("| slab | " + RecordLayout.SLAB_BYTES + " |")
        .contains("%d to %d".formatted(DirectoryWord.LOG2_SLOTS_MIN, DirectoryWord.LOG2_SLOTS_MAX));
  }

  /// Name to fields, as a row of the table would say it.
  private static Map<String, String> messages(Class<?> kind, Map<String, String> renamed) {
    Map<String, String> rows = new LinkedHashMap<>();
    for (Class<?> message : kind.getPermittedSubclasses()) {
      List<String> fields =
          Arrays.stream(message.getRecordComponents())
              .filter(field -> !field.getName().matches("seq|payload"))
              .flatMap(ContractTest::fields)
              .toList();
      rows.put(name(message, renamed), fields.isEmpty() ? "-" : String.join(", ", fields));
    }
    return rows;
  }

  private static Class<?> record(Class<?> kind, Map<String, String> renamed, String name) {
    return Arrays.stream(kind.getPermittedSubclasses())
        .filter(message -> name(message, renamed).equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static String name(Class<?> message, Map<String, String> renamed) {
    String simple = message.getSimpleName();
    return renamed.getOrDefault(simple, snake(simple));
  }

  /// A description is fields of its own, which come together.
  private static Stream<String> fields(RecordComponent component) {
    return component.getName().equals("description")
        ? Arrays.stream(Description.class.getRecordComponents()).map(field -> field.getName() + "?")
        : Stream.of(field(component));
  }

  private static String field(RecordComponent component) {
    String snake = snake(component.getName());
    List<Class<?>> optional = List.of(Optional.class, OptionalLong.class, boolean.class);
    return optional.contains(component.getType()) ? snake + "?" : snake;
  }

  private static String snake(String camel) {
    return camel.replaceAll("(?<=[a-z])([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  /// Field to `offset size`, from the code.
  private static Map<String, String> fields(StructLayout layout, long base) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (MemoryLayout member : layout.memberLayouts()) {
      if (!(member instanceof PaddingLayout)) {
        String name = member.name().orElseThrow();
        long offset = base + layout.byteOffset(PathElement.groupElement(name));
        fields.put(name, offset + " " + member.byteSize());
      }
    }
    return fields;
  }

  /// Field to `offset size`, from a table.
  private static Map<String, String> rows(List<List<String>> table) {
    Map<String, String> rows = new LinkedHashMap<>();
    table.forEach(row -> rows.put(row.get(3), row.get(0) + " " + row.get(1)));
    return rows;
  }

  private static String bits(int from, int to) {
    return from + "-" + (to - 1);
  }
}
