package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.util.Collections;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class FdTest {
  private static final int F_GETFD = 1;
  private static final int FD_CLOEXEC = 1;

  @Test
  void closingFreesTheNumber() throws IOException {
    Fd fd = Memfd.create("fd-test");
    int number = fd.number();
    assertThat(flags(number)).isEqualTo(FD_CLOEXEC);
    fd.close();
    assertThat(flags(number)).isEqualTo(-Errno.EBADF);
  }

  @Test
  void aSecondCloseLeavesTheNextOwnerOfTheNumberAlone() throws IOException {
    Fd first = Memfd.create("fd-first");
    int number = first.number();
    first.close();
    try (Fd second = Memfd.create("fd-second")) {
      assertThat(second.number()).isEqualTo(number);
      first.close();
      assertThat(flags(number)).isEqualTo(FD_CLOEXEC);
    }
  }

  @Test
  void manyThreadsCloseOnce() throws Exception {
    int closers = 4;
    try (ExecutorService threads = Executors.newFixedThreadPool(closers)) {
      for (int round = 0; round < 100; round++) {
        Fd fd = Memfd.create("fd-race");
        CyclicBarrier go = new CyclicBarrier(closers);
        Callable<Integer> close =
            () -> {
              go.await();
              fd.close(); // a second close(2) would be EBADF, thrown by Fd
              return 0;
            };
        for (Future<Integer> closed : threads.invokeAll(Collections.nCopies(closers, close))) {
          assertThat(closed.get()).isZero();
        }
        assertThat(flags(numberOf(fd))).isEqualTo(-Errno.EBADF);
      }
    }
  }

  @Test
  void theNumberStaysOpenForTheCallThatIsUsingIt() throws IOException {
    Fd fd = Memfd.create("fd-used");
    fd.use(number -> {
      fd.close();
      assertThat(fd.isOpen()).isFalse();
      assertThat(flags(number)).isEqualTo(FD_CLOEXEC);
    });
    assertThat(flags(numberOf(fd))).isEqualTo(-Errno.EBADF);
  }

  @Test
  void useAfterCloseIsRefused() throws IOException {
    Fd fd = Memfd.create("fd-closed");
    int number = fd.number();
    fd.close();
    assertThatThrownBy(fd::number)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("descriptor is closed: fd=" + number);
    assertThatThrownBy(() -> Memfd.stat(fd))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("descriptor is closed: fd=" + number);
  }

  @Test
  void aDuplicateOutlivesTheOriginal() throws IOException {
    Fd fd = Memfd.create("fd-dup");
    try (Fd copy = fd.dup()) {
      assertThat(copy.number()).isNotEqualTo(fd.number());
      assertThat(flags(copy.number())).isEqualTo(FD_CLOEXEC);
      long inode = Memfd.stat(fd).inode();
      fd.close();
      assertThat(Memfd.stat(copy).inode()).isEqualTo(inode);
    }
  }

  @Test
  void aBorrowedNumberIsLeftToItsOwner() throws IOException {
    try (Fd owner = Memfd.create("fd-borrow")) {
      Fd borrowed = Fd.borrow(owner.number());
      borrowed.close();
      assertThat(borrowed.isOpen()).isFalse();
      assertThat(flags(owner.number())).isEqualTo(FD_CLOEXEC);
    }
  }

  @Test
  void closingSomebodyElsesNumberIsNotSilent() throws IOException {
    Fd fd = Memfd.create("fd-stolen");
    int number = fd.number();
    Libc.call("close", number);
    assertThatThrownBy(fd::close)
        .hasRootCauseInstanceOf(PosixException.class)
        .rootCause()
        .hasMessage("close(fd=" + number + "): EBADF (9)");
  }

  @Test
  void saysItsState() throws IOException {
    Fd fd = Memfd.create("fd-text");
    int number = fd.number();
    assertThat(fd).hasToString("Fd[" + number + " open]");
    assertThat(Fd.borrow(number)).hasToString("Fd[" + number + " borrowed open]");
    fd.close();
    assertThat(fd).hasToString("Fd[" + number + " closed]");
    assertThatThrownBy(() -> Fd.adopt(-1)).hasMessage("a descriptor is not negative: fd=-1");
  }

  private static long flags(int number) {
    return Libc.call("fcntl", number, F_GETFD);
  }

  private static int numberOf(Fd closed) {
    return Integer.parseInt(closed.toString().replaceAll("\\D", ""));
  }
}
