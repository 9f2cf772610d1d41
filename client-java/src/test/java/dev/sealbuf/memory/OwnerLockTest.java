package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class OwnerLockTest {
  private static final long BYTES = 4096;
  private static final int DIED = 1 << 30;

  @Test
  void theWordIsSetWhileTheOwnerLivesAndZeroAfterGoodbye() throws IOException {
    try (Fd fd = page();
        Mapping page = Mapping.readWrite(fd, BYTES)) {
      OwnerLock lock = OwnerLock.hold(page.segment());
      assertThat(Words.loadU32(page.segment(), 0)).isNotZero();
      assertThat(Words.loadU32(page.segment(), 0) & DIED).isZero();
      lock.close();
      lock.close();
      assertThat(Words.loadU32(page.segment(), 0)).isZero();
    }
  }

  @Test
  void theKernelMarksTheWordOfAKilledOwner() throws IOException {
    try (ChildJvm child = ChildJvm.start(Owner.class);
        Mapping page = pageOf(child)) {
      int alive = Words.loadU32(page.segment(), 0);
      assertThat(alive).isNotZero();
      assertThat(alive & DIED).isZero();
      child.kill();
      assertThat(Words.loadU32(page.segment(), 0) & DIED).isEqualTo(DIED);
    }
  }

  @Test
  void theKernelMarksTheWordOfAnOwnerThatLeftWithoutGoodbye() throws IOException {
    try (ChildJvm child = ChildJvm.start(Owner.class);
        Mapping page = pageOf(child)) {
      child.release();
      assertThat(child.exitCode()).isZero();
      assertThat(Words.loadU32(page.segment(), 0) & DIED).isEqualTo(DIED);
    }
  }

  /// Holds a lock and says where; leaves without a goodbye when its standard input ends.
  static final class Owner {
    private Owner() {}

    public static void main(String[] arguments) throws IOException {
      Fd fd = page();
      Mapping page = Mapping.readWrite(fd, BYTES);
      OwnerLock _ = OwnerLock.hold(page.segment());
      IO.println(fd.number());
      int _ = System.in.read();
    }
  }

  private static Mapping pageOf(ChildJvm child) throws IOException {
    String path = "/proc/" + child.pid() + "/fd/" + child.readLine();
    try (Fd fd = Fd.adopt(Posix.open(path, Linux.O_RDONLY | Linux.O_CLOEXEC))) {
      return Mapping.readOnly(fd, BYTES);
    }
  }

  private static Fd page() throws IOException {
    Fd fd = Memfd.create("owner-test");
    Memfd.resize(fd, BYTES);
    return fd;
  }
}
