package dev.sealbuf.server.verify;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.config.Setting;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A daemon for one verification, which ends when its standard input does: `CAPACITY`. It answers
/// each line with its [Footprint].
final class DaemonMain {
  private DaemonMain() {}

  static void main(String[] arguments) throws IOException, InvalidConfigurationException {
    Path folder = Files.createTempDirectory("sealbuf-verify-");
    Path socket = folder.resolve("sealbuf.sock");
    Configuration configuration =
        Configuration.load(
            Optional.empty(),
            Map.of(),
            List.of(
                new Given(Key.of(Setting.SOCKET), socket.toString(), "verify"),
                new Given(Key.of(Setting.CAPACITY), arguments[0], "verify")));
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
      Daemon daemon = Daemon.start(configuration, "verify");
      System.out.println(Lines.text(Map.of("end", "ready", "socket", socket.toString())));
      while (lines.readLine() != null) {
        Map<String, Object> footprint = Footprint.ofThisProcess();
        footprint.put("end", "footprint");
        System.out.println(Lines.text(footprint));
      }
      daemon.close();
    } finally {
      Files.delete(folder);
    }
    System.exit(0); // whatever threads are left
  }
}
