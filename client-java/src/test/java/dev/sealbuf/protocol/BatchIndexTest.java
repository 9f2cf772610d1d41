package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchIndexTest {
  @Test
  void aRowMayEndWithADescription() throws HeadException {
    Description two = new Description("<d", List.of(2L), List.of(8L));
    String row = "[\"a\",16,{\"format\":\"<d\",\"shape\":[2],\"strides\":[8]}]";

    List<BatchIndex.Entry> entries = read("[" + row + ",[\"b\",3]," + row + "]", 3);

    assertThat(entries)
        .containsExactly(
            new BatchIndex.Entry("a", 0, 16, Optional.of(two)),
            new BatchIndex.Entry("b", 16, 3),
            new BatchIndex.Entry("a", 19, 16, Optional.of(two)));
    assertThat(UTF_8.decode(BatchIndex.writeLengths(entries.subList(0, 2))).toString())
        .isEqualTo("[" + row + ",[\"b\",3]]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "{}                    # a description has format, shape and strides: missing=format",
        "{\"format\":\"b\"}    # a description has format, shape and strides: missing=shape",
        "{\"format\":\"b\",\"shape\":[1],\"strides\":[1],\"x\":1} # unknown field: field=x",
        "{\"format\":\"b\",\"shape\":[1],\"strides\":[1]},1 # row has too many items",
        "2                     # row has too many items",
        "null                  # row has too many items",
        "[]                    # row has too many items",
      })
  void whatIsNotADescriptionIsRefused(String last, String message) {
    assertThatThrownBy(() -> read("[[\"a\",1," + last.strip() + "]]", 1))
        .isInstanceOf(HeadException.class)
        .hasMessage(message);
  }

  private static List<BatchIndex.Entry> read(String index, int count) throws HeadException {
    return BatchIndex.readLengths(ByteBuffer.wrap(index.getBytes(UTF_8)), count);
  }
}
