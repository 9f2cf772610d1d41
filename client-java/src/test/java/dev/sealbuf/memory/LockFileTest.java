package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
class LockFileTest {
  @TempDir Path folder;

  @Test
  void oneHolderAtATimeAndNoFileAfterTheLast() throws IOException {
    Path path = folder.resolve("lock");
    for (int round = 0; round < 3; round++) {
      try (LockFile _ = LockFile.tryLock(path).orElseThrow()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
            .isEqualTo("rw-------");
        assertThat(LockFile.tryLock(path)).isEmpty();
      }
      assertThat(path).doesNotExist();
    }
  }

  @Test
  void aKilledHolderHoldsNoLonger() throws IOException {
    Path path = folder.resolve("lock");
    try (ChildJvm child = ChildJvm.start(Holder.class, path.toString())) {
      assertThat(child.readLine()).isEqualTo("held=true");
      assertThat(LockFile.tryLock(path)).isEmpty();
      child.kill();
      assertThat(path).exists();
      LockFile.tryLock(path).orElseThrow().close();
      assertThat(path).doesNotExist();
    }
  }

  /// Holds a lock until its standard input ends.
  static final class Holder {
    private Holder() {}

    public static void main(String[] arguments) throws IOException {
      Optional<LockFile> lock = LockFile.tryLock(Path.of(arguments[0]));
      IO.println("held=" + lock.isPresent());
      int _ = System.in.read();
    }
  }

  @Test
  void somethingElseAtThePathIsRefusedAndLeftAlone() throws IOException {
    Path target = Files.writeString(folder.resolve("target"), "kept");
    Path link = Files.createSymbolicLink(folder.resolve("link"), target);
    for (Path path : new Path[] {link, Files.createDirectory(folder.resolve("folder"))}) {
      assertThatThrownBy(() -> LockFile.tryLock(path))
          .isInstanceOf(IOException.class)
          .hasMessage("a lock is a regular file: path=" + path);
      assertThat(path).exists();
    }
    assertThat(target).hasContent("kept");
  }
}
