package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.Reply;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// A segment that the daemon lent along with a publication, for the next one: it saves a create.
///
/// Who puts one buffer after the other asks for it when two in a row had one size. The daemon gives
/// it if that costs nobody anything. It is for a put of just that size; it goes back when another
/// size is put, or nothing for a while, and with the session.
///
/// **Threads.** [#wanted] and [#keep] belong to the turn of the connection in which the request is
/// made and answered, so what is kept is what was asked for. Any thread may call the others at any
/// time: there is one slot, and whoever empties it owns what was in it.
final class Spares {
  /// How long a spare may wait for its put; `protocol/PROTOCOL.md` asks for about a second.
  private static final Duration KEPT = Duration.ofSeconds(1);

  private static final int DESCRIPTORS = 2;

  /// @param lent as a create would have lent it; its reply is `loan`
  private record Spare(Answer lent, Reply.Lent loan, Deadline end) {}

  private final LongConsumer forget;
  private final AtomicReference<@Nullable Spare> slot = new AtomicReference<>();
  private long last;

  /// @param forget has an unfinished buffer aborted
  Spares(LongConsumer forget) {
    this.forget = forget;
  }

  /// The size to ask for along with a publication of that size.
  OptionalLong wanted(long nbytes) {
    boolean again = nbytes == last;
    last = nbytes;
    return again && !isKept() ? OptionalLong.of(nbytes) : OptionalLong.empty();
  }

  /// Keeps the spare that a reply brings; what the reply says beside it. A reply that brings none
  /// stays what it is, be it for lack of descriptors: then it is not what its reader expects.
  Answer keep(Answer answer) {
    if (answer.reply() instanceof Reply.PublishedLent made
        && answer.descriptors().size() == DESCRIPTORS) {
      Reply.Lent loan =
          new Reply.Lent(made.seq(), "", made.spare(), last, made.segment(), made.segmentBytes());
      Answer lent = new Answer(loan, answer.descriptors());
      giveBack(slot.getAndSet(new Spare(lent, loan, Deadline.after(KEPT))));
      return new Answer(made.published(), List.of());
    }
    return answer;
  }

  boolean isKept() {
    return slot.get() != null;
  }

  /// The spare, as a create would have lent it, if it is of that size; the caller closes it.
  Optional<Answer> take(long nbytes) {
    Spare spare = slot.getAndSet(null);
    if (spare != null && spare.loan.nbytes() == nbytes) {
      return Optional.of(spare.lent);
    }
    giveBack(spare);
    return Optional.empty();
  }

  /// Gives back what was not used for a while.
  void giveBackUnused() {
    Spare spare = slot.get();
    if (spare != null && spare.end.hasPassed() && slot.compareAndSet(spare, null)) {
      giveBack(spare);
    }
  }

  /// The session is over, and with it the loan.
  void end() {
    Spare spare = slot.getAndSet(null);
    if (spare != null) {
      spare.lent.close();
    }
  }

  private void giveBack(@Nullable Spare spare) {
    if (spare != null) {
      spare.lent.close();
      forget.accept(spare.loan.buffer());
    }
  }
}
