package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
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
/// A peer that leaves more than OUTPUT_MAX bytes, or any frame for OUTPUT_SECONDS, is given up, and
/// earlier when the heap's budget is used up. Descriptors that the peer has not read are bounded by
/// [FlightCredit]: a frame that would bring more waits like one that finds the socket full. When
/// the kernel refuses them all the same (ETOOMANYREFS: others of this uid send, too), the reply is
/// replaced by `try_again` and its descriptors are closed.
final class OutgoingQueue implements AutoCloseable {
  /// Who owns the queue and hears how it goes.
  interface Owner {
    /// Everything has left.
    void drained();

    /// The reply was replaced by an error.
    void undelivered(Reply reply);

    /// The peer does not hear any more.
    void gone();

    /// The peer is too slow and is not sent any more.
    void gaveUp(String reason);
  }

  private static final long RETRY_MIN_MICROS = 200;
  private static final long RETRY_MAX_MICROS = 20_000;

  private static final class Outgoing {
    final Reply reply;
    final ByteBuffer bytes;
    final List<Fd> descriptors;
    final long deadline;

    /// Whether it stays for longer than a turn of the loop, and so counts in the budget.
    boolean counted;

    Outgoing(Reply reply, List<Fd> descriptors, long deadline) {
      this.reply = reply;
      this.bytes = Replies.write(reply, descriptors.size()).encode();
      this.descriptors = descriptors;
      this.deadline = deadline;
    }

    boolean isUntouched() {
      return bytes.position() == 0;
    }

    void closeDescriptors() {
      descriptors.forEach(Fd::close);
    }
  }

  private final EpollDomainSocketChannel channel;
  private final Fd socket;
  private final LoopContext context;
  private final HeapBudget.Share share;
  private final FlightCredit.Share flight;
  private final Owner owner;
  private final Deque<Outgoing> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private long retryMicros = RETRY_MIN_MICROS;
  private boolean retrying;
  private boolean closed;

  OutgoingQueue(
      EpollDomainSocketChannel channel,
      LoopContext context,
      int uid,
      HeapBudget.Share share,
      Owner owner) {
    this.channel = channel;
    this.socket = Fd.borrow(channel.fd().intValue());
    this.context = context;
    this.share = share;
    this.flight = context.flight().share(uid, socket);
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
    long deadline = context.nanoTime() + TimeUnit.SECONDS.toNanos(Limits.OUTPUT_SECONDS);
    Outgoing newest = new Outgoing(reply, descriptors, deadline);
    waiting.add(newest);
    waitingBytes += newest.bytes.limit();
    if (!retrying) {
      flush();
    }
    if (waiting.peekLast() == newest) {
      keep(newest);
    }
  }

  /// Drops what has not left; closes its descriptors.
  @Override
  public void close() {
    closed = true;
    waiting.forEach(Outgoing::closeDescriptors);
    waiting.clear();
    waitingBytes = 0;
    flight.close();
  }

  /// The channel may have closed its descriptor, whose number may be another file's by now.
  private boolean isClosed() {
    return closed || !channel.isOpen();
  }

  private void keep(Outgoing newest) {
    newest.counted = share.take(newest.bytes.limit());
    if (waitingBytes > Limits.OUTPUT_MAX) {
      giveUp("replies are not read: bytes=%d max=%d".formatted(waitingBytes, Limits.OUTPUT_MAX));
    } else if (!newest.counted) {
      giveUp("replies are not read, and their memory is needed: bytes=" + waitingBytes);
    }
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
    } catch (IOException _) {
      close();
      owner.gone();
    }
  }

  /// Sends a part of the oldest frame; false when the socket takes nothing now.
  private boolean sendFrom(Outgoing oldest) throws IOException {
    List<Fd> descriptors = oldest.isUntouched() ? oldest.descriptors : List.of();
    if (!descriptors.isEmpty() && !flight.admits(descriptors.size())) {
      return false;
    }
    try {
      int sent = Descriptors.send(socket, scratch(oldest.bytes), descriptors);
      if (sent == Descriptors.WOULD_BLOCK) {
        return false;
      }
      flight.sent(descriptors.size());
      advance(oldest, sent);
    } catch (PosixException e) {
      if (e.errno() != Errno.ETOOMANYREFS) {
        throw e;
      }
      replace(oldest);
    }
    return true;
  }

  private void advance(Outgoing oldest, int sent) {
    if (oldest.isUntouched()) {
      oldest.closeDescriptors();
    }
    oldest.bytes.position(oldest.bytes.position() + sent);
    waitingBytes -= sent;
    if (!oldest.bytes.hasRemaining()) {
      remove(oldest);
    }
  }

  private void remove(Outgoing oldest) {
    waiting.remove();
    waitingBytes -= oldest.bytes.remaining();
    if (oldest.counted) {
      share.give(oldest.bytes.limit());
    }
  }

  private void replace(Outgoing refused) {
    remove(refused);
    refused.closeDescriptors();
    Reply error =
        Reply.Failure.of(
            refused.reply.seq(),
            ErrorCode.TRY_AGAIN,
            "too many descriptors are on their way to clients that do not read");
    Outgoing replacement = new Outgoing(error, List.of(), refused.deadline);
    waiting.addFirst(replacement);
    waitingBytes += replacement.bytes.limit();
    owner.undelivered(refused.reply);
  }

  private void retryLater() {
    retrying = true;
    var _ = context.loop().schedule(this::retry, retryMicros, TimeUnit.MICROSECONDS);
    retryMicros = Math.min(2 * retryMicros, RETRY_MAX_MICROS);
  }

  private void retry() {
    retrying = false;
    if (isClosed()) {
      return;
    }
    flush();
    if (closed) {
      return;
    }
    if (waiting.isEmpty()) {
      owner.drained();
    } else if (context.nanoTime() - waiting.element().deadline > 0) {
      giveUp("replies are not read: seconds=" + Limits.OUTPUT_SECONDS);
    }
  }

  private void giveUp(String reason) {
    close();
    owner.gaveUp(reason);
  }

  private ByteBuffer scratch(ByteBuffer bytes) {
    ByteBuffer scratch = context.scratch();
    int length = Math.min(bytes.remaining(), scratch.capacity());
    scratch.clear().limit(length);
    scratch.put(0, bytes, bytes.position(), length);
    return scratch;
  }
}
