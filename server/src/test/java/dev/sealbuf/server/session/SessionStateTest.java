package dev.sealbuf.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.server.session.SessionState.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class SessionStateTest {
  private static final Path DOCUMENT = Path.of("..", "protocol", "PROTOCOL.md");

  record Row(SessionState state, Event event, SessionState next, boolean inOrder) {}

  static List<Row> rows() throws IOException {
    try (Stream<String> lines = Files.lines(DOCUMENT)) {
      return lines
          .dropWhile(line -> !line.startsWith("| state | event | next |"))
          .skip(2)
          .takeWhile(line -> line.startsWith("|"))
          .map(line -> Arrays.stream(line.split("\\|")).map(String::strip).toList())
          .map(cells -> row(cells.get(1), cells.get(2), cells.get(3)))
          .toList();
    }
  }

  private static Row row(String state, String event, String next) {
    Event known =
        switch (event) {
          case "hello accepted", "hello" -> Event.HELLO;
          case "any other request" -> Event.REQUEST;
          default -> Event.END;
        };
    return new Row(
        SessionState.valueOf(state),
        known,
        SessionState.valueOf(next.split(" ", 2)[0]),
        !next.contains("invalid_request"));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void theTableOfTheProtocolIsTheTableOfTheCode(Row row) {
    assertThat(row.state.after(row.event)).isEqualTo(row.next);
    assertThat(row.state.admits(row.event)).isEqualTo(row.inOrder);
  }

  @Test
  void theTableOfTheProtocolIsComplete() throws IOException {
    Set<List<Object>> missing = new HashSet<>();
    for (SessionState state : List.of(SessionState.CONNECTED, SessionState.OPEN)) {
      for (Event event : Event.values()) {
        missing.add(List.of(state, event));
      }
    }
    rows().forEach(row -> missing.remove(List.of(row.state, row.event)));
    assertThat(missing).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Event.class)
  void nothingLeadsOutOfTheEnd(Event event) {
    assertThat(SessionState.CLOSED.after(event)).isEqualTo(SessionState.CLOSED);
    assertThat(SessionState.CLOSED.admits(event)).isEqualTo(event == Event.END);
  }
}
