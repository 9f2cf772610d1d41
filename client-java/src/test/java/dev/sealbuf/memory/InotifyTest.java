package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A memory file is reported when the last of whatever kept it has let go, and not before.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class InotifyTest {
  private static final long BYTES = 4096;
  private static final int O_PATH = 0x200000;

  private Inotify inotify;

  @BeforeEach
  void open() throws IOException {
    inotify = Inotify.open();
  }

  @AfterEach
  void close() {
    inotify.close();
  }

  private static Fd file() throws IOException {
    try (Fd made = Memfd.create("inotify-test")) {
      Memfd.resize(made, BYTES);
      return Memfd.reopenReadOnly(made);
    }
  }

  private List<Integer> gone() throws IOException {
    List<Integer> gone = new ArrayList<>();
    assertThat(inotify.read(gone::add)).isTrue();
    return gone;
  }

  @Test
  void aFileThatIsOpenIsNotGone() throws IOException {
    try (Fd file = file()) {
      int watch = inotify.watch(file);
      assertThat(gone()).isEmpty();
      assertThat(inotify.watched()).containsExactly(watch);
    }
  }

  @Test
  void theLastCloseIsTheEnd() throws IOException {
    Fd file = file();
    int watch = inotify.watch(file);
    Fd other = Memfd.reopenReadOnly(file);
    file.close();
    assertThat(gone()).isEmpty();
    other.close();
    assertThat(gone()).containsExactly(watch);
    assertThat(inotify.watched()).isEmpty();
    assertThat(gone()).isEmpty();
  }

  @Test
  void aMappingKeepsIt() throws IOException {
    Fd file = file();
    int watch = inotify.watch(file);
    try (Mapping _ = Mapping.readOnly(file, BYTES)) {
      file.close();
      assertThat(gone()).isEmpty();
    }
    assertThat(gone()).containsExactly(watch);
  }

  /// What a lease does not see.
  @Test
  void aDescriptorThatIsOnlyAPathKeepsIt() throws IOException {
    Fd file = file();
    int watch = inotify.watch(file);
    try (Arena arena = Arena.ofConfined()) {
      long path = arena.allocateFrom(FileHolder.path(file)).address();
      try (Fd _ = Fd.adopt((int) Libc.call("open", path, O_PATH))) {
        file.close();
        assertThat(gone()).isEmpty();
      }
    }
    assertThat(gone()).containsExactly(watch);
  }

  @Test
  void anotherProcessKeepsItUntilItIsKilled() throws IOException {
    Fd file = file();
    int watch = inotify.watch(file);
    try (ChildJvm child = ChildJvm.start(FileHolder.class, FileHolder.path(file))) {
      assertThat(child.readLine()).isEqualTo("mapped");
      file.close();
      assertThat(gone()).isEmpty();
      child.kill();
    }
    assertThat(gone()).containsExactly(watch);
  }

  @Test
  void manyEndsAreReportedEachOnceInOrder() throws IOException {
    List<Integer> watches = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      try (Fd file = file()) {
        watches.add(inotify.watch(file));
      }
    }
    assertThat(gone()).isEqualTo(watches);
    assertThat(watches).doesNotHaveDuplicates();
  }

  /// The kernel's own limit, from fs.inotify.max_queued_events: two events an end.
  @Test
  void whatIsDroppedIsFoundOut() throws IOException {
    try (Fd kept = file()) {
      int watch = inotify.watch(kept);
      for (int i = 0; i < 20_000; i++) {
        try (Fd file = file()) {
          inotify.watch(file);
        }
      }
      assertThat(inotify.read(_ -> {})).isFalse();
      assertThat(inotify.watched()).containsExactly(watch);
    }
  }

  @Test
  void whatIsClosedCannotBeWatched() throws IOException {
    Fd file = file();
    file.close();
    assertThatThrownBy(() -> inotify.watch(file)).isInstanceOf(IllegalStateException.class);
  }
}
