package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Java and Python read each other's buffers, every combination over one list.
@Tag("daemon")
@Timeout(180)
@ExtendWith(Unprivileged.class)
class ScenarioTest {
  private static final List<String> JAVA = Programs.java(ScenarioMain.class);

  @Test
  void javaReadsWhatJavaPublishes() throws Exception {
    exchange(JAVA, JAVA);
  }

  @Test
  void pythonReadsWhatJavaPublishes() throws Exception {
    exchange(JAVA, Programs.python("scenario_main.py"));
  }

  @Test
  void javaReadsWhatPythonPublishes() throws Exception {
    exchange(Programs.python("scenario_main.py"), JAVA);
  }

  private static void exchange(List<String> publisher, List<String> verifier) throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      String scenarios = Scenario.file().toString();
      String socket = daemon.socket().toString();
      int count = Scenario.read(Scenario.file()).size();
      try (PublishingProgram published =
          PublishingProgram.start(publisher, socket, scenarios, count)) {
        String verified = Programs.run(verifier, published.lines(), "verify", socket, scenarios);
        assertThat(verified.lines()).containsExactly("verified " + count);
      }
    }
  }
}
