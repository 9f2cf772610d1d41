package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "[1]                                           # head is not a JSON object",
        "{\"op\":\"ping\",\"seq\":1} {}                # head has something behind the object",
        "{\"seq\":1}                                   # missing field: field=op",
        "{\"op\":\"ping\"}                             # missing field: field=seq",
        "{\"op\":7,\"seq\":1}                          # field must be a string: field=op",
        "{\"op\":null,\"seq\":1}                       # field must be a string: field=op",
        "{\"op\":\"fly\",\"seq\":1}                    # unknown op: op=fly",
        "{\"op\":\"ping\",\"seq\":0}                   # integer out of bounds: field=seq value=0"
            + " min=1 max=9007199254740991",
        "{\"op\":\"ping\",\"seq\":9007199254740992}    # integer out of bounds: field=seq"
            + " value=9007199254740992 min=1 max=9007199254740991",
        "{\"op\":\"ping\",\"seq\":\"1\"}               # field must be an integer of at most 53 bits:"
            + " field=seq",
        "{\"op\":\"ping\",\"seq\":1.0}                 # field must be an integer of at most 53 bits:"
            + " field=seq",
        "{\"op\":\"ping\",\"seq\":1e3}                 # field must be an integer of at most 53 bits:"
            + " field=seq",
        "{\"op\":\"ping\",\"seq\":99999999999999999999}# field must be an integer of at most 53"
            + " bits: field=seq",
        "{\"op\":\"ping\",\"seq\":1,\"x\":true}        # unknown field: field=x",
        "{\"op\":\"ping\",\"seq\":1,\"name\":\"a\"}    # unknown field: field=name",
        "{\"op\":\"create\",\"seq\":1}                 # missing field: field=nbytes",
        "{\"op\":\"create\",\"seq\":1,\"nbytes\":-1}   # integer out of bounds: field=nbytes"
            + " value=-1 min=0 max=9007199254740991",
        "{\"op\":\"create\",\"seq\":1,\"nbytes\":9223372036854775807} # integer out of bounds:"
            + " field=nbytes value=9223372036854775807 min=0 max=9007199254740991",
        "{\"op\":\"list\",\"seq\":1,\"prefix\":\"\",\"limit\":1001,\"cursor\":0} # integer out of"
            + " bounds: field=limit value=1001 min=1 max=1000",
        "{\"op\":\"delete\",\"seq\":1,\"name\":[1]}    # field must be a string: field=name",
        "{\"op\":\"hold\",\"seq\":1,\"name\":\"a\"}    # missing field: field=buffer",
        "{\"op\":\"open_held\",\"seq\":1,\"name\":\"a\",\"buffer\":1,\"hold\":0} # integer out of"
            + " bounds: field=hold value=0 min=1 max=9007199254740991",
      })
  void aHeadThatBreaksTheTableIsRefusedByName(String head, String message) {
    assertThatThrownBy(() -> read(head)).isInstanceOf(HeadException.class).hasMessage(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "{\"op\":\"ping\",\"seq\":1",
        "{\"op\":\"ping\",\"seq\":01}",
        "{\"op\":\"ping\",\"op\":\"ping\",\"seq\":1}",
        "{'op':'ping'}",
        "{\"op\":\"pi\nng\",\"seq\":1}",
        "{\"op\":\"ping\",\"seq\":1,\"x\":[[[[[[[[[1]]]]]]]]]}",
      })
  void whatIsNotStrictJsonIsRefused(String head) {
    assertThatThrownBy(() -> read(head)).isInstanceOf(HeadException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\u00ff", "\u00c0\u00af", "\u00ed\u00a0\u0080"})
  void bytesThatAreNotUtf8AreRefused(String bytes) {
    byte[] head = ("{\"op\":\"delete\",\"seq\":1,\"name\":\"" + bytes + "\"}").getBytes(ISO_8859_1);
    assertThatThrownBy(() -> Requests.read(Frame.of(0, ByteBuffer.wrap(head))))
        .isInstanceOf(HeadException.class)
        .hasMessage("head is not valid UTF-8");
  }

  @Test
  void aRefusalCarriesTheNumberOfTheRequestWhereverItStands() {
    assertThatThrownBy(() -> read("{\"op\":\"fly\",\"x\":null,\"seq\":42}"))
        .extracting(e -> ((HeadException) e).seq())
        .isEqualTo(42L);
  }

  @Test
  void fieldNamesOfOneHashAreUnknownLikeOthers() {
    StringBuilder head = new StringBuilder("{\"op\":\"ping\",\"seq\":1");
    for (int i = 0; i < 1024; i++) {
      head.append(",\"");
      for (int bit = 0; bit < 10; bit++) {
        head.append((i >> bit & 1) == 0 ? "Ba" : "C@"); // 33 * 'B' + 'a' = 33 * 'C' + '@'
      }
      head.append("\":1");
    }
    assertThatThrownBy(() -> read(head.append('}').toString()))
        .hasMessage("unknown field: field=BaBaBaBaBaBaBaBaBaBa");
  }

  @Test
  void onlyPutCarriesAPayload() {
    ByteBuffer head = ByteBuffer.wrap("{\"op\":\"ping\",\"seq\":1}".getBytes(UTF_8));
    assertThatThrownBy(() -> Requests.read(new Frame(0, head, ByteBuffer.allocate(3))))
        .hasMessage("payload not allowed: op=ping payload_bytes=3");
  }

  @Test
  void aClientIsALineForPeople() {
    Request hello = new Request.Hello(1, "default", "a\u001b[31mb");
    assertThatThrownBy(() -> Requests.read(Requests.write(hello)))
        .hasMessage(
            "client is a line of at most 255 bytes without control characters:"
                + " client=a\\u001b[31mb");
  }

  @Test
  void strangeNamesTravelByteExact() throws HeadException {
    for (String name : new String[] {"/", "../x", "a\"b\\c", "é", "e\u0301", "\ud83d\ude00"}) {
      Request request = new Request.Put(1, Optional.of(name), ByteBuffer.allocate(0));
      assertThat(Requests.read(Requests.write(request))).isEqualTo(request);
    }
  }

  @Test
  void slashesAndLettersAreNotEscaped() {
    Frame frame = Requests.write(new Request.Delete(1, "ä/\ud83d\ude00"));
    assertThat(UTF_8.decode(frame.head().duplicate()).toString())
        .isEqualTo("{\"op\":\"delete\",\"seq\":1,\"name\":\"ä/\ud83d\ude00\"}");
  }

  private static Request read(String head) throws HeadException {
    return Requests.read(Frame.of(0, ByteBuffer.wrap(head.getBytes(UTF_8))));
  }
}
