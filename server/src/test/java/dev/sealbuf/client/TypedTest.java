package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Every format in every shape and order, from one language to the other and back.
@Tag("daemon")
@Timeout(180)
@ExtendWith(Unprivileged.class)
class TypedTest {
  private static final List<String> JAVA = Programs.java(TypedMain.class);

  @Test
  void javaReadsWhatJavaPublishes() throws Exception {
    exchange(JAVA, JAVA);
  }

  @Test
  void pythonReadsWhatJavaPublishes() throws Exception {
    exchange(JAVA, Programs.python("typed_main.py"));
  }

  @Test
  void javaReadsWhatPythonPublishes() throws Exception {
    exchange(Programs.python("typed_main.py"), JAVA);
  }

  private static void exchange(List<String> publisher, List<String> verifier) throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      String socket = daemon.socket().toString();
      String cases = TypedCase.file().toString();
      int count = TypedCase.read(TypedCase.file()).size();
      assertThat(Programs.run(publisher, "", "publish", socket, cases).lines())
          .containsExactly("published " + count);
      assertThat(Programs.run(verifier, "", "verify", socket, cases).lines())
          .containsExactly("verified " + count);
    }
  }
}
