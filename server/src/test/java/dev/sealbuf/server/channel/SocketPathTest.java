package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.ListeningSocket;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
final class SocketPathTest {
  private static final OptionalLong NO_GROUP = OptionalLong.empty();

  @TempDir private Path folder;
  private Path path;

  @BeforeEach
  void namePath() {
    path = folder.resolve("sealbuf.sock");
  }

  @Test
  void theSocketAndItsLockAreForTheOwnerOnly() throws IOException {
    try (Claimed _ = new Claimed(path)) {
      assertThat(mode(path)).isEqualTo("rw-------");
      assertThat(mode(lock())).isEqualTo("rw-------");
    }
  }

  @Test
  void theGroupGetsItsRightsOnSocketAndDirectory() throws IOException {
    Path inNewFolder = folder.resolve("run").resolve("sealbuf.sock");
    OptionalLong own = OptionalLong.of((int) Files.getAttribute(folder, "unix:gid"));
    try (SocketPath claim = SocketPath.claim(inNewFolder, own);
        Fd _ = claim.socket()) {
      assertThat(mode(inNewFolder)).isEqualTo("rw-rw----");
      assertThat(mode(inNewFolder.resolveSibling(""))).isEqualTo("rwxr-x---");
    }
  }

  @Test
  void anExistingDirectoryKeepsItsMode() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    try (Claimed _ = new Claimed(path)) {
      assertThat(mode(folder)).isEqualTo("rwxr-xr-x");
    }
  }

  @Test
  void closingRemovesSocketAndLock() throws IOException {
    new Claimed(path).close();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void closingLeavesWhatSomebodyElsePutInThePlaceOfTheSocket() throws IOException {
    Claimed claim = new Claimed(path);
    Files.delete(path);
    Files.writeString(path, "mine");
    claim.close();
    assertThat(path).hasContent("mine");
  }

  @Test
  void aSecondClaimIsRefusedWhileTheFirstHolds() throws IOException {
    try (Claimed _ = new Claimed(path)) {
      assertRefused("a daemon already serves at this socket: path=" + path);
    }
    new Claimed(path).close();
  }

  @Test
  void aDeadSocketIsTakenOver() throws IOException {
    ListeningSocket.bind(path, 0600).close();
    try (Claimed claimed = new Claimed(path)) {
      ListeningSocket.listen(claimed.claim.socket(), 1);
      UnixSocket.connect(path, Deadline.after(Duration.ofSeconds(5))).close();
    }
  }

  @Test
  void aSocketThatAnswersIsLeftAlone() throws IOException {
    try (Fd other = ListeningSocket.bind(path, 0600)) {
      ListeningSocket.listen(other, 1);
      Object before = inode(path);
      assertRefused("a daemon already serves at this socket: path=" + path);
      assertThat(inode(path)).isEqualTo(before);
    }
  }

  @Test
  void aFileIsLeftAlone() throws IOException {
    Files.writeString(path, "precious");
    assertLeftAlone();
    assertThat(path).hasContent("precious");
  }

  @Test
  void aDirectoryIsLeftAlone() throws IOException {
    Files.createDirectory(path);
    assertLeftAlone();
  }

  @Test
  void aDanglingLinkIsLeftAlone() throws IOException {
    Files.createSymbolicLink(path, folder.resolve("nothing"));
    assertLeftAlone();
    assertThat(folder.resolve("nothing")).doesNotExist();
  }

  @Test
  void aLinkToAFileIsLeftAlone() throws IOException {
    Path target = Files.writeString(folder.resolve("target"), "precious");
    Files.createSymbolicLink(path, target);
    assertLeftAlone();
    assertThat(target).hasContent("precious");
  }

  @Test
  void aLinkToADeadSocketIsLeftAlone() throws IOException {
    Path target = folder.resolve("other.sock");
    ListeningSocket.bind(target, 0600).close();
    Files.createSymbolicLink(path, target);
    assertLeftAlone();
    assertThat(target).exists();
  }

  @Test
  void aPathThatDoesNotFitIsRefused() {
    path = folder.resolve("x".repeat(108 - folder.toString().length() - 1));
    assertRefused("the socket's path is too long: bytes=108 max=107 path=" + path);
  }

  @Test
  void bindingReplacesNothing() throws IOException {
    Files.writeString(path, "precious");
    assertThatThrownBy(() -> ListeningSocket.bind(path, 0600))
        .isInstanceOf(PosixException.class)
        .hasMessage("bind(path=" + path + "): EADDRINUSE (98)");
    assertThat(path).hasContent("precious");
  }

  /// A claim together with its socket, which a listener would close.
  private record Claimed(SocketPath claim) implements AutoCloseable {
    Claimed(Path path) throws IOException {
      this(SocketPath.claim(path, NO_GROUP));
    }

    @Override
    public void close() {
      claim.socket().close();
      claim.close();
    }
  }

  private void assertLeftAlone() throws IOException {
    Object before = inode(path);
    assertRefused("there is something that is no socket, and it is left alone: path=" + path);
    assertThat(inode(path)).isEqualTo(before);
    assertThat(lock()).doesNotExist();
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> SocketPath.claim(path, NO_GROUP))
        .isInstanceOf(CannotServeException.class)
        .hasMessage(message);
  }

  private Path lock() {
    return path.resolveSibling(path.getFileName() + ".lock");
  }

  private static Object inode(Path path) throws IOException {
    return Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
