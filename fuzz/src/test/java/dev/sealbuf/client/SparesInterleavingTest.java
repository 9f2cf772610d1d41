package dev.sealbuf.client;

import dev.sealbuf.interleavings.Interleavings;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Reply;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/// A spare has one owner: who takes it has it alone, and one that nobody takes is given back once.
public final class SparesInterleavingTest {
  @Test
  void aSpareIsTakenOrGivenBackOnce() {
    Interleavings.explore(Lending.class, 200);
    Interleavings.stress(Lending.class, 1000);
  }

  public static final class Lending {
    private static final long SIZE = 300_000;

    private final Queue<Long> ended = new ConcurrentLinkedQueue<>();
    private final Spares spares = new Spares(ended::add);
    private final List<Fd> descriptors = new ArrayList<>();
    private long lent;

    /// In the turn of the connection, as every request and its answer.
    @Operation
    public synchronized void lend() {
      List<Fd> two = List.of(Fd.borrow(0), Fd.borrow(0));
      descriptors.addAll(two);
      Reply.Published made = new Reply.Published(1, "n", 5, 1, 1, 2, 2 << 20, 64);
      var _ = spares.wanted(SIZE);
      spares.keep(new Answer(Reply.PublishedLent.of(made, ++lent, 9, SIZE), two));
    }

    @Operation
    public long take() {
      return spares.take(SIZE).map(Lending::use).map(this::end).orElse(0L);
    }

    private static long use(Answer answer) {
      boolean open = answer.descriptors().stream().allMatch(Fd::isOpen);
      answer.close();
      return open ? answer.lent().orElseThrow() : -1;
    }

    private long end(long buffer) {
      ended.add(buffer);
      return buffer;
    }

    @Operation
    public void takeAnotherSize() {
      spares.take(SIZE + 1).ifPresent(_ -> ended.add(-1L));
    }

    @Operation
    public boolean isKept() {
      return spares.isKept();
    }

    @Validate
    public void eachEndedOnceWithItsDescriptors() {
      spares.take(SIZE).map(Lending::use).ifPresent(ended::add);
      if (ended.size() != lent || new HashSet<>(ended).size() != lent) {
        throw new AssertionError("lent=%d ended=%s".formatted(lent, ended));
      }
      if (descriptors.stream().anyMatch(Fd::isOpen)) {
        throw new AssertionError("a descriptor is left open: ended=" + ended);
      }
    }
  }
}
