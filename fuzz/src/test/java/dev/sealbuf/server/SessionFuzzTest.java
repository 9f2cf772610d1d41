package dev.sealbuf.server;

import com.code_intelligence.jazzer.junit.DictionaryEntries;
import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import com.code_intelligence.jazzer.mutation.annotation.WithSize;
import dev.sealbuf.protocol.Frame;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// No conversation in whole frames makes the daemon fail or hold others up, whatever their heads
/// and payloads say.
@Tag("daemon")
@Tag("shows-11")
final class SessionFuzzTest {
  private static FuzzedDaemon daemon;

  @BeforeAll
  static void start() {
    daemon = new FuzzedDaemon();
  }

  @AfterAll
  static void stop() {
    daemon.close();
  }

  @DictionaryEntries({
    "\"op\":\"put\"",
    "\"op\":\"put_many\"",
    "\"op\":\"create\"",
    "\"op\":\"seal\"",
    "\"op\":\"seal_spare\"",
    "\"op\":\"seal_many\"",
    "\"op\":\"abort\"",
    "\"op\":\"open\"",
    "\"op\":\"open_held\"",
    "\"op\":\"take\"",
    "\"op\":\"reserve\"",
    "\"op\":\"hold\"",
    "\"op\":\"map\"",
    "\"op\":\"delete\"",
    "\"op\":\"delete_many\"",
    "\"op\":\"list\"",
    "\"op\":\"watch\"",
    "\"op\":\"await_room\"",
    "\"op\":\"holders\"",
    "\"op\":\"stat\"",
    "\"buffer\":1",
    "\"buffer\":2",
    "\"replace\":true",
    "\"ttl\":1",
    "\"timeout\":1",
    "\"batch\":true",
    "\"count\":2",
    "\"index_bytes\":9",
    "\"metadata_bytes\":1",
    "\"newer\":0",
    "\"spare\":1",
    "\"hold\":1",
    "\"slab\":1",
    "\"replay\":true",
    "9007199254740991"
  })
  @MethodSource("conversations")
  @FuzzTest
  void anyConversationIsAnsweredOrRefused(
      @NotNull @WithSize(max = 12) List<@NotNull String> heads, byte @NotNull [] payload) {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    said.writeBytes(FuzzedDaemon.hello().array());
    for (String head : heads) {
      byte[] bytes = head.getBytes(StandardCharsets.UTF_8);
      if (bytes.length > 0) {
        boolean alone = head.endsWith("}");
        ByteBuffer body = ByteBuffer.wrap(alone ? new byte[0] : payload);
        said.writeBytes(new Frame(0, ByteBuffer.wrap(bytes), body).encode().array());
      }
    }
    daemon.hears(ByteBuffer.wrap(said.toByteArray()));
  }

  /// A head that ends with white space comes with the payload.
  static Stream<Arguments> conversations() {
    return Stream.of(
        said(
            "12345",
            "{'op':'put','seq':2,'name':'a'} ",
            "{'op':'open','seq':3,'name':'a'}",
            "{'op':'hold','seq':4,'name':'a','buffer':1}",
            "{'op':'put','seq':5,'name':'a','replace':true,'ttl':60} ",
            "{'op':'open_held','seq':6,'name':'a','buffer':1,'hold':1}",
            "{'op':'take','seq':7,'name':'a'}",
            "{'op':'stat','seq':8}"),
        said(
            "",
            "{'op':'create','seq':2,'name':'a','nbytes':100000}",
            "{'op':'seal','seq':3,'buffer':1,'spare':100000}",
            "{'op':'seal_spare','seq':4,'buffer':2,'name':'b','nbytes':5}",
            "{'op':'abort','seq':5,'buffer':2}",
            "{'op':'holders','seq':6,'cursor':0}"),
        said(
            "[['a',2],['b',1]]abc",
            "{'op':'put_many','seq':2,'count':2,'index_bytes':17} ",
            "{'op':'list','seq':3,'prefix':'','limit':1,'cursor':0}",
            "{'op':'watch','seq':4,'prefix':'a','replay':true}",
            "{'op':'await_room','seq':5,'nbytes':1,'timeout':1}",
            "{'op':'delete','seq':6,'name':'a'}"),
        said(
            "[['a',0,2],['b',64,1]]",
            "{'op':'create','seq':2,'nbytes':4096,'batch':true}",
            "{'op':'seal_many','seq':3,'buffer':1,'count':2} ",
            "{'op':'reserve','seq':4,'name':'c','timeout':1}",
            "{'op':'map','seq':5,'segment':1}"),
        said("['a','b']", "{'op':'delete_many','seq':2,'count':2} "));
  }

  private static Arguments said(String payload, String... heads) {
    return Arguments.of(
        Stream.of(heads).map(SessionFuzzTest::json).toList(),
        json(payload).getBytes(StandardCharsets.UTF_8));
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }
}
