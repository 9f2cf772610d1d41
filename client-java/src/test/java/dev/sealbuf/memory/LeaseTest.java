package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who is seen by a lease, and who is not.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class LeaseTest {
  private static final long BYTES = 4096;
  private static final int O_PATH = 0x200000;

  /// The only description that the kernel counts.
  private static Fd description() throws IOException {
    try (Fd made = Memfd.create("lease-test")) {
      Memfd.resize(made, BYTES);
      Memfd.allocate(made, 0, BYTES);
      return Memfd.reopenReadOnly(made);
    }
  }

  @Test
  void aFileThatNobodyElseHasIsFree() throws IOException {
    try (Fd own = description()) {
      assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.FREE);
      assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.FREE);
      Memfd.reopenReadWrite(own).close(); // no lease is left that an open would have to break
    }
  }

  @Test
  void ownMappingsAndDuplicatesDoNotCount() throws IOException {
    try (Fd own = description();
        Fd _ = own.dup();
        Mapping _ = Mapping.readOnly(own, BYTES)) {
      assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.FREE);
    }
  }

  @Test
  void anOpenDescriptionHoldsAndSoDoesItsMappingAlone() throws IOException {
    try (Fd own = description()) {
      Fd other = Memfd.reopenReadOnly(own);
      assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.HELD);
      try (Mapping _ = Mapping.readOnly(other, BYTES)) {
        other.close();
        assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.HELD);
      }
      assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.FREE);
    }
  }

  @Test
  void anotherProcessHoldsUntilItIsKilled() throws IOException {
    try (Fd own = description()) {
      Fd other = Memfd.reopenReadOnly(own);
      try (ChildJvm child = ChildJvm.start(FileHolder.class, FileHolder.path(other))) {
        assertThat(child.readLine()).isEqualTo("mapped");
        other.close();
        assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.HELD);
        child.kill();
        assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.FREE);
      }
    }
  }

  /// Which is why memory is never used twice.
  @Test
  void aDescriptorThatIsOnlyAPathIsNotSeen() throws IOException {
    try (Fd own = description();
        Arena arena = Arena.ofConfined()) {
      long path = arena.allocateFrom(FileHolder.path(own)).address();
      try (Fd _ = Fd.adopt((int) Libc.call("open", path, O_PATH))) {
        assertThat(Lease.probe(own)).isEqualTo(Lease.Answer.FREE);
      }
    }
  }

  @Test
  void whatCannotBeLeasedIsUnknown() throws IOException {
    int[] pair = Libc.socketPair();
    try (Fd left = Fd.adopt(pair[0]);
        Fd _ = Fd.adopt(pair[1])) {
      assertThat(Lease.probe(left)).isEqualTo(Lease.Answer.UNKNOWN);
    }
  }
}
