package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RepliesTest {
  @Test
  void fieldsOfANewerDaemonAreIgnored() throws HeadException {
    String head = "{\"reply\":\"pong\",\"seq\":3,\"new\":{\"a\":[null,1.5]},\"more\":true}";
    assertThat(read(head)).isEqualTo(new Reply.Pong(3));
  }

  @Test
  void figuresOfANewerDaemonAreIgnoredWhereTheyAreNeitherIntegerNorText() throws HeadException {
    String head =
        "{\"reply\":\"stats\",\"seq\":1,\"stats\":{\"used\":5,\"x\":1.5,\"y\":[1],\"v\":\"1\"}}";
    assertThat(read(head)).isEqualTo(new Reply.Stats(1, Map.of("used", 5L, "v", "1")));
  }

  @Test
  void aMissingFieldIsRefused() {
    assertThatThrownBy(() -> read("{\"reply\":\"mapped\",\"seq\":1,\"segment\":1}"))
        .hasMessage("missing field: field=segment_bytes");
  }

  @Test
  void anUnknownReplyIsRefused() {
    assertThatThrownBy(() -> read("{\"reply\":\"what\",\"seq\":1}"))
        .hasMessage("unknown reply: reply=what");
  }

  @Test
  void aListingPageEndsBeforeThePayloadLimit() throws HeadException {
    ListingPayload page = new ListingPayload();
    var entry =
        new ListingPayload.Entry("é".repeat(127), 1, 1, 1, "B".repeat(255), List.of(1L), 0, 1);
    while (page.add(entry)) {
      assertThat(page.bytes().remaining()).isLessThanOrEqualTo(Limits.PAGE_MAX);
    }
    assertThat(page.count()).isLessThan(Limits.LIST_MAX);
    assertThat(ListingPayload.read(page.bytes())).hasSize(page.count());
  }

  @Test
  void aListingPageHoldsAThousandShortEntries() throws HeadException {
    ListingPayload page = new ListingPayload();
    var entry = new ListingPayload.Entry("a", 1, 1, 1, "B", List.of(1L), 0, 1);
    while (page.add(entry)) {}
    assertThat(ListingPayload.read(page.bytes())).hasSize(Limits.LIST_MAX);
  }

  @Test
  void aListingThatIsNoArrayOfObjectsIsRefused() {
    for (String payload : List.of("{}", "[1]", "[]x", "[", "")) {
      assertThatThrownBy(() -> ListingPayload.read(ByteBuffer.wrap(payload.getBytes(UTF_8))))
          .as(payload)
          .isInstanceOf(HeadException.class);
    }
  }

  private static Reply read(String head) throws HeadException {
    return Replies.read(Frame.of(0, ByteBuffer.wrap(head.getBytes(UTF_8))));
  }
}
