package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Any head is read or refused with one line; what is read is what would be written.
final class RequestsFuzzTest {
  @MethodSource("dev.sealbuf.protocol.Seeds#bodies")
  @FuzzTest
  void aRequestIsReadOrRefused(byte[] body) throws HeadException {
    Request request;
    try {
      request = Requests.read(Seeds.parted(body));
    } catch (HeadException e) {
      assertThat(e.getMessage()).doesNotContain("\n");
      assertThat(e.seq()).isBetween(0L, Limits.SEQ_MAX);
      return;
    }
    assertThat(Requests.read(Requests.write(request))).isEqualTo(request);
  }
}
