package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What `docs/java.md` shows runs as it stands, and prints what it says.
@Tag("daemon")
@Timeout(90)
@ExtendWith(Unprivileged.class)
class JavaGuideTest {
  @Test
  void everyExampleRunsAndPrintsWhatItSays() throws Exception {
    Path page = Scenario.file().resolve("../../docs/java.md").normalize();
    long examples = Files.readString(page).lines().filter(line -> line.equals("```java")).count();
    try (DaemonProcess daemon = DaemonProcess.start()) {
      ProcessBuilder builder =
          new ProcessBuilder(Jvm.command(GuideMain.class, page.toString()))
              .redirectErrorStream(true);
      builder.environment().put("SEALBUF_SOCKET", daemon.socket().toString());
      Process process = builder.start();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(output).isEqualTo("ran " + examples + "\n");
    }
  }
}
