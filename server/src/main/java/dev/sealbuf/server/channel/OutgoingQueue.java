package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Everything one session is sent, in order: frames with their descriptors.
///
/// Netty passes a descriptor as a message of its own with a filler byte, so frames do not go
/// through it: each leaves by one sendmsg(2) on the channel's descriptor, with all its descriptors.
/// Netty's own outbound buffer stays empty. A send takes what fits into the socket's buffer;
/// descriptors go with the first byte, so the rest of a frame goes without them. When nothing fits,
/// the queue tries again on a timer, since only Netty can be told when a socket is writable.
///
/// A peer that leaves more than OUTPUT_MAX bytes, or any frame for OUTPUT_SECONDS, is given up.
/// Descriptors on their way count against the daemon's uid, not the peer's: when there are too many
/// (ETOOMANYREFS), the reply is replaced by `try_again` and its descriptors are closed.
final class OutgoingQueue implements AutoCloseable {
  /// Who owns the queue and hears how it goes.
  interface Owner {
    /// Everything has left.
    void drained();

    /// The reply was replaced by an error.
    void undelivered(Reply reply);

    /// Nothing more can be sent: the peer is gone, or too slow.
    void broken(String reason);
  }

  private static final long RETRY_MIN_MICROS = 200;
  private static final long RETRY_MAX_MICROS = 20_000;

  private record Outgoing(Reply reply, ByteBuffer bytes, List<Fd> descriptors, long deadline) {
    static Outgoing of(Reply reply, List<Fd> descriptors, long deadline) {
      ByteBuffer bytes = Replies.write(reply, descriptors.size()).encode();
      return new Outgoing(reply, bytes, descriptors, deadline);
    }

    boolean isUntouched() {
      return bytes.position() == 0;
    }
  }

  private final EpollDomainSocketChannel channel;
  private final Fd socket;
  private final EventLoop loop;
  private final ByteBuffer scratch;
  private final Owner owner;
  private final Deque<Outgoing> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private long retryMicros = RETRY_MIN_MICROS;
  private boolean retrying;
  private boolean closed;

  /// @param scratch native memory that all queues of the loop share
  OutgoingQueue(EpollDomainSocketChannel channel, EventLoop loop, ByteBuffer scratch, Owner owner) {
    this.channel = channel;
    this.socket = Fd.borrow(channel.fd().intValue());
    this.loop = loop;
    this.scratch = scratch;
    this.owner = owner;
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /// Sends a reply with its descriptors, or queues what the socket does not take now. The
  /// descriptors are the queue's from here on.
  void offer(Reply reply, List<Fd> descriptors) {
    if (isClosed()) {
      descriptors.forEach(Fd::close);
      return;
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Limits.OUTPUT_SECONDS);
    append(Outgoing.of(reply, descriptors, deadline));
    if (!retrying) {
      flush();
    }
    if (waitingBytes > Limits.OUTPUT_MAX) {
      giveUp("replies are not read: bytes=%d max=%d".formatted(waitingBytes, Limits.OUTPUT_MAX));
    }
  }

  /// Drops what has not left; closes its descriptors.
  @Override
  public void close() {
    closed = true;
    for (Outgoing outgoing : waiting) {
      outgoing.descriptors().forEach(Fd::close);
    }
    waiting.clear();
    waitingBytes = 0;
  }

  /// The channel may have closed its descriptor, whose number may be another file's by now.
  private boolean isClosed() {
    return closed || !channel.isOpen();
  }

  private void append(Outgoing outgoing) {
    waiting.add(outgoing);
    waitingBytes += outgoing.bytes().remaining();
  }

  /// Sends as long as the socket takes any.
  private void flush() {
    try {
      while (!waiting.isEmpty()) {
        if (!sendFrom(waiting.element())) {
          retryLater();
          return;
        }
        retryMicros = RETRY_MIN_MICROS;
      }
    } catch (IOException e) {
      giveUp("replies cannot be sent: " + e.getMessage());
    }
  }

  /// Sends a part of the oldest frame; false when the socket takes nothing now.
  private boolean sendFrom(Outgoing oldest) throws IOException {
    List<Fd> descriptors = oldest.isUntouched() ? oldest.descriptors() : List.of();
    try {
      int sent = Descriptors.send(socket, scratch(oldest.bytes()), descriptors);
      if (sent == Descriptors.WOULD_BLOCK) {
        return false;
      }
      sent(oldest, sent);
    } catch (PosixException e) {
      if (e.errno() != Errno.ETOOMANYREFS) {
        throw e;
      }
      replace(oldest);
    }
    return true;
  }

  private void sent(Outgoing oldest, int count) {
    if (oldest.isUntouched()) {
      oldest.descriptors().forEach(Fd::close);
    }
    oldest.bytes().position(oldest.bytes().position() + count);
    waitingBytes -= count;
    if (!oldest.bytes().hasRemaining()) {
      waiting.remove();
    }
  }

  private void replace(Outgoing refused) {
    waiting.remove();
    waitingBytes -= refused.bytes().remaining();
    refused.descriptors().forEach(Fd::close);
    Reply error =
        Reply.Failure.of(
            refused.reply().seq(),
            ErrorCode.TRY_AGAIN,
            "too many descriptors are on their way to clients that do not read");
    Outgoing replacement = Outgoing.of(error, List.of(), refused.deadline());
    waiting.addFirst(replacement);
    waitingBytes += replacement.bytes().remaining();
    owner.undelivered(refused.reply());
  }

  private void retryLater() {
    retrying = true;
    var _ = loop.schedule(this::retry, retryMicros, TimeUnit.MICROSECONDS);
    retryMicros = Math.min(2 * retryMicros, RETRY_MAX_MICROS);
  }

  private void retry() {
    retrying = false;
    if (isClosed()) {
      return;
    }
    flush();
    if (waiting.isEmpty()) {
      owner.drained();
    } else if (System.nanoTime() - waiting.element().deadline() > 0) {
      giveUp("replies are not read: seconds=" + Limits.OUTPUT_SECONDS);
    }
  }

  private void giveUp(String reason) {
    close();
    owner.broken(reason);
  }

  private ByteBuffer scratch(ByteBuffer bytes) {
    int length = Math.min(bytes.remaining(), scratch.capacity());
    scratch.clear().limit(length);
    scratch.put(0, bytes, bytes.position(), length);
    return scratch;
  }
}
