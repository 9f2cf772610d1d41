package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever a daemon says is read or refused; what is read is what would be written.
final class RepliesFuzzTest {
  @MethodSource("dev.sealbuf.protocol.Seeds#bodies")
  @FuzzTest
  void aReplyIsReadOrRefused(byte[] body) throws HeadException {
    Reply reply;
    try {
      reply = Replies.read(Seeds.parted(body));
    } catch (HeadException e) {
      assertThat(e.getMessage()).doesNotContain("\n");
      return;
    }
    assertThat(Replies.read(Replies.write(reply, 0))).isEqualTo(reply);
  }
}
