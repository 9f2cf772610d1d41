package dev.sealbuf.client;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Reply;
import java.util.List;
import java.util.OptionalLong;

/// A reply and the descriptors that came with it, which end with this object: what is to live
/// longer is mapped before.
record Answer(Reply reply, List<Fd> descriptors) implements AutoCloseable {
  /// The reply, if it is the one that was to come with so many descriptors.
  <R extends Reply> R expect(Class<R> type, int count) {
    R expected = expect(type);
    if (descriptors.size() != count) {
      throw new ProtocolException(
          "reply with a wrong number of descriptors: reply=%s descriptors=%d expected=%d"
              .formatted(type.getSimpleName(), descriptors.size(), count));
    }
    return expected;
  }

  <R extends Reply> R expect(Class<R> type) {
    if (!type.isInstance(reply)) {
      throw new ProtocolException(
          "another reply than asked for: reply=%s expected=%s"
              .formatted(reply.getClass().getSimpleName(), type.getSimpleName()));
    }
    return type.cast(reply);
  }

  /// The unfinished buffer that comes with it, to be given back if nobody waits for it.
  OptionalLong lent() {
    return switch (reply) {
      case Reply.Lent loan -> OptionalLong.of(loan.buffer());
      case Reply.PublishedLent made -> OptionalLong.of(made.spare());
      default -> OptionalLong.empty();
    };
  }

  @Override
  public void close() {
    descriptors.forEach(Fd::close);
  }
}
