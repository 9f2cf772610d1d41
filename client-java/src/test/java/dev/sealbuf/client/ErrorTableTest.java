package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.Documents;
import dev.sealbuf.protocol.ErrorCode;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Every row of the error table is an exception of that name, which says what the row says to do.
class ErrorTableTest {
  @Test
  void everyCodeIsAnExceptionThatSaysWhatToDo() {
    for (List<String> row : Documents.tableUnder("PROTOCOL.md", "Errors")) {
      ErrorCode code = ErrorCode.of(row.get(0)).orElseThrow();
      SealbufException exception = SealbufException.of(code, "rule: evidence=1");
      assertThat(exception.getClass().getSimpleName()).isEqualTo(row.get(1));
      assertThat(exception.code()).isEqualTo(code);
      assertThat(exception).hasMessage("rule: evidence=1; " + row.get(6).replace("`", ""));
    }
  }
}
