package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
class ListeningSocketTest {
  private static final int OWNER_ONLY = 0600;

  @TempDir Path folder;

  @Test
  void nobodyConnectsBeforeItListens() throws IOException {
    Path path = folder.resolve("socket");
    Deadline deadline = Deadline.after(Duration.ofSeconds(10));
    try (Fd server = ListeningSocket.bind(path, OWNER_ONLY)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rw-------");
      assertThatThrownBy(() -> UnixSocket.connect(path, deadline))
          .hasMessage("connect(path=" + path + "): ECONNREFUSED (111)");
      ListeningSocket.listen(server, 1);
      UnixSocket.connect(path, deadline).close();
    }
  }

  @Test
  void whateverIsAtThePathStays() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "kept");
    Path dangling = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nowhere"));
    for (Path path : new Path[] {file, dangling, folder}) {
      assertThatThrownBy(() -> ListeningSocket.bind(path, OWNER_ONLY))
          .isInstanceOf(PosixException.class)
          .hasMessage("bind(path=" + path + "): EADDRINUSE (98)");
    }
    assertThat(file).hasContent("kept");
    assertThat(folder.resolve("nowhere")).doesNotExist();
  }
}
