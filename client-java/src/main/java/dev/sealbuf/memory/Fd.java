package dev.sealbuf.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicInteger;

/// A file descriptor that is closed exactly once.
///
/// Closing a number while another thread is inside a system call with it is how one file's bytes
/// end up in another: the kernel gives the number to the next file that is opened. So whoever works
/// on the number counts itself in (`use`, `query`), [#close] only forbids further use, and the last
/// one out closes the number. The count and the mark share one word.
///
/// The verb that makes one says who owns the number: [#adopt] takes it over, [#dup] makes a second
/// one, [#borrow] leaves it to its owner.
public final class Fd implements AutoCloseable {
  /// The sign bit of the state word; the other bits count the threads inside a call.
  private static final int CLOSED = Integer.MIN_VALUE;

  /// Standard input, output and error stay what they are, even in a process that closed one of
  /// them.
  private static final int LOWEST_DUP = 3;

  /// Something to do with the number while it cannot be closed.
  @FunctionalInterface
  interface Use {
    void with(int number) throws IOException;
  }

  /// Something to learn with the number while it cannot be closed.
  @FunctionalInterface
  interface Query<R> {
    R with(int number) throws IOException;
  }

  private final int number;
  private final boolean owned;
  private final AtomicInteger state = new AtomicInteger();

  private Fd(int number, boolean owned) {
    if (number < 0) {
      throw new IllegalArgumentException("a descriptor is not negative: fd=" + number);
    }
    this.number = number;
    this.owned = owned;
  }

  /// Takes over a number: from now on this object closes it and nobody else does.
  public static Fd adopt(int number) {
    return new Fd(number, true);
  }

  /// Works on a number that somebody else owns and closes, such as a Netty channel's. Only for as
  /// long as that owner keeps it open; closing the result leaves the number open.
  public static Fd borrow(int number) {
    return new Fd(number, false);
  }

  /// A second descriptor of the same open file description, close-on-exec, owned by the result.
  public Fd dup() throws IOException {
    return adopt(query(fd -> Posix.fcntl(fd, Linux.F_DUPFD_CLOEXEC, LOWEST_DUP)));
  }

  /// The number, for what takes nothing else. It may be closed under the caller's feet if another
  /// thread closes this.
  ///
  /// @throws IllegalStateException when this is closed
  public int number() {
    if (!isOpen()) {
      throw closed();
    }
    return number;
  }

  public boolean isOpen() {
    return state.get() >= 0;
  }

  /// Ends the use of the number; closes it, if owned, as soon as no other thread is inside a call
  /// with it. Does nothing when this is closed already.
  @Override
  public void close() {
    if (state.getAndUpdate(users -> users | CLOSED) == 0) {
      closeNumber();
    }
  }

  void use(Use use) throws IOException {
    int fd = acquire();
    try {
      use.with(fd);
    } finally {
      release();
    }
  }

  <R> R query(Query<R> query) throws IOException {
    int fd = acquire();
    try {
      return query.with(fd);
    } finally {
      release();
    }
  }

  /// Keeps the number open until [#release].
  int acquire() {
    int before = state.getAndUpdate(users -> users < 0 ? users : users + 1);
    if (before < 0) {
      throw closed();
    }
    return number;
  }

  void release() {
    if (state.decrementAndGet() == CLOSED) {
      closeNumber();
    }
  }

  private void closeNumber() {
    if (!owned) {
      return;
    }
    try {
      Posix.close(number);
    } catch (PosixException e) {
      // EBADF: somebody closed a number that was not theirs. Going on would close another file some
      // day.
      throw new UncheckedIOException(e);
    }
  }

  private IllegalStateException closed() {
    return new IllegalStateException("descriptor is closed: fd=" + number);
  }

  @Override
  public String toString() {
    return "Fd[" + number + (owned ? "" : " borrowed") + (isOpen() ? " open]" : " closed]");
  }
}
