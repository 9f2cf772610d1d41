package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.random.RandomGenerator;

/// Gives out ids and names. A name is taken while a buffer has it and while one is being written
/// that will; a buffer that is to replace another may share its name with it until then.
final class Claims {
  private final PublishedBuffers published;
  private final UnfinishedBuffers unfinished;
  private final RandomGenerator random;
  private long buffers;

  Claims(PublishedBuffers published, UnfinishedBuffers unfinished, RandomGenerator random) {
    this.published = published;
    this.unfinished = unfinished;
    this.random = random;
  }

  /// The next id, with the wanted name or one that is made up.
  Claim next(Peer peer, Optional<String> wanted, Terms terms) throws Refusal {
    return with(OptionalLong.empty(), peer, wanted, terms);
  }

  /// The same with an id that was given out already, if there is one.
  Claim with(OptionalLong id, Peer peer, Optional<String> wanted, Terms terms) throws Refusal {
    if (wanted.isPresent()) {
      Name name = requireMayHave(peer, wanted.get(), terms);
      return new Claim(id.orElseGet(this::nextId), name);
    }
    long buffer = id.orElseGet(this::nextId);
    return new Claim(buffer, madeUp(buffer), true);
  }

  /// An id for what will have its name later.
  long nextId() {
    return ++buffers;
  }

  /// Refuses a wanted name that the peer could not have now.
  Name requireMayHave(Peer peer, String wanted, Terms terms) throws Refusal {
    Name name = Name.of(wanted);
    requireNotWritten(name);
    Optional<BufferRecord> old = published.find(name);
    if (old.isPresent() && !terms.replace()) {
      throw new Refusal(ErrorCode.ALREADY_EXISTS, "a buffer has this name already: name=" + name);
    }
    if (old.isPresent()) {
      Rights.requireMayEnd(peer, old.get());
    }
    return name;
  }

  /// The next ids for the buffers of a batch, in steps of one.
  List<Claim> nextOf(List<BatchIndex.Entry> index, Peer peer, Terms terms) throws Refusal {
    List<Claim> all = new ArrayList<>(index.size());
    for (BatchIndex.Entry entry : index) {
      all.add(next(peer, Optional.of(entry.name()), terms));
    }
    return all;
  }

  /// The next id, with a name that is known to be free.
  Claim of(Name name) {
    return new Claim(nextId(), name);
  }

  private void requireNotWritten(Name name) throws Refusal {
    if (unfinished.reserves(name)) {
      throw new Refusal(
          ErrorCode.ALREADY_EXISTS, "a buffer is being written under this name: name=" + name);
    }
  }

  /// `buffer-N` after the id; where somebody has put a name like that, with a number that nobody
  /// could foresee.
  private Name madeUp(long buffer) throws Refusal {
    Name name = MadeUpName.of(buffer);
    while (published.contains(name) || unfinished.reserves(name)) {
      name = MadeUpName.of(random.nextLong(buffer, Limits.SEQ_MAX));
    }
    return name;
  }
}
