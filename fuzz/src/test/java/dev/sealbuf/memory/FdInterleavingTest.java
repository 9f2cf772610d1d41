package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.interleavings.Interleavings;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/// Who is inside a call with a descriptor has an open one, whoever closes it meanwhile; the last
/// one out has closed the number.
public final class FdInterleavingTest {
  private static final int F_GETFD = 1;

  @Test
  void aNumberIsOpenForWhoeverIsInsideACall() {
    Interleavings.explore(Counted.class, 500);
    Interleavings.stress(Counted.class, 1000);
  }

  /// The negative control: a number must not be closed while somebody is inside a call with it.
  @Test
  void aNumberThatIsClosedAtOnceIsFound() {
    assertThatThrownBy(() -> Interleavings.explore(ClosedAtOnce.class, 500))
        .hasMessageContaining("EBADF");
  }

  public static final class Counted {
    private final Fd fd = file();
    private final AtomicInteger calls = new AtomicInteger();

    @Operation
    public int flags() throws IOException {
      try {
        return fd.query(number -> flagsOf(number, calls));
      } catch (IllegalStateException _) {
        return -1;
      }
    }

    @Operation
    public void close() {
      fd.close();
    }

    @Validate
    public void itIsClosedForGood() {
      fd.close();
      if (fd.isOpen()) {
        throw new AssertionError(fd.toString());
      }
    }
  }

  public static final class ClosedAtOnce {
    private final int number = file().number();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicInteger calls = new AtomicInteger();

    @Operation
    public int flags() throws PosixException {
      return closed.get() ? -1 : flagsOf(number, calls);
    }

    @Operation
    public void close() throws PosixException {
      if (!closed.getAndSet(true)) {
        Posix.close(number);
      }
    }
  }

  /// @param calls makes threads switch before the system call, which shares nothing that is seen
  private static int flagsOf(int number, AtomicInteger calls) throws PosixException {
    calls.incrementAndGet();
    return Posix.fcntl(number, F_GETFD, 0);
  }

  private static Fd file() {
    try {
      return Memfd.create("interleavings");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
