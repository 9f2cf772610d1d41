package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// Gives out ids and names. A name is taken while a buffer has it and while one is being written
/// that will.
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
  Claim next(Optional<String> wanted) throws Refusal {
    Optional<Name> name = Optional.empty();
    if (wanted.isPresent()) {
      name = Optional.of(Name.of(wanted.get()));
      requireFree(name.get());
    }
    long buffer = ++buffers;
    return new Claim(buffer, name.isPresent() ? name.get() : madeUp(buffer));
  }

  private void requireFree(Name name) throws Refusal {
    if (published.contains(name)) {
      throw new Refusal(ErrorCode.ALREADY_EXISTS, "a buffer has this name already: name=" + name);
    }
    if (unfinished.reserves(name)) {
      throw new Refusal(
          ErrorCode.ALREADY_EXISTS, "a buffer is being written under this name: name=" + name);
    }
  }

  /// `buffer-N` after the id; where somebody has put a name like that, with a number that nobody
  /// could foresee.
  private Name madeUp(long buffer) throws Refusal {
    Name name = Name.of("buffer-" + buffer);
    while (published.contains(name) || unfinished.reserves(name)) {
      name = Name.of("buffer-" + random.nextLong(buffer, Limits.SEQ_MAX));
    }
    return name;
  }
}
