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

/// Everything one session is sent: replies in order, with their descriptors, and events.
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
///
/// Events are not urgent and can be many: those of one turn of the loop leave together after it,
/// behind the replies. What a watcher does not read waits in its [EventBacklog], which is bounded;
/// it is not given up for that.
final class OutgoingQueue implements AutoCloseable {
  /// Who owns the queue and hears how it goes.
  interface Owner {
    /// All replies have left.
    void drained();

    /// All events have left.
    void eventsTaken();

    /// The reply was replaced by an error.
    void undelivered(Reply reply);

    /// The peer does not hear any more.
    void gone();

    /// The peer is too slow and is not sent any more.
    void gaveUp(String reason);
  }

  private static final long RETRY_MIN_MICROS = 200;
  private static final long RETRY_MAX_MICROS = 20_000;

  /// Where only events wait: a thousand watchers that do not read cost the loop 1 % of its time.
  private static final long RETRY_EVENTS_MAX_MICROS = 100_000;

  /// Events leave before the end of the turn if so many bytes have come together.
  private static final int EVENTS_AT_ONCE = 64 * 1024;

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
  private final EventBacklog events;
  private long waitingBytes;
  private long retryMicros = RETRY_MIN_MICROS;
  private boolean retrying;
  private boolean eventsDue;
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
    this.events = new EventBacklog(share);
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
    enqueue(outgoing(reply, descriptors));
  }

  /// Sends a reply if the socket takes its descriptors now, and does `commit` in between: after
  /// they are on their way, and before the peer can know what came of its request. The first byte
  /// goes with the descriptors, the rest after the commit.
  ///
  /// @param descriptors at least one; the queue's from here on
  /// @return false if nothing was sent and nothing done
  boolean offer(Reply reply, List<Fd> descriptors, Runnable commit) {
    Outgoing newest = outgoing(reply, descriptors);
    if (!begin(newest, 1)) {
      return false;
    }
    commit.run();
    enqueue(newest);
    return true;
  }

  /// Sends a reply if the socket takes its descriptors now.
  ///
  /// @param descriptors at least one; the queue's from here on
  /// @return false if nothing was sent
  boolean offerNow(Reply reply, List<Fd> descriptors) {
    Outgoing newest = outgoing(reply, descriptors);
    if (!begin(newest, newest.bytes.limit())) {
      return false;
    }
    if (newest.bytes.hasRemaining()) {
      enqueue(newest);
    }
    return true;
  }

  /// Takes an event's frame, to be sent at the end of this turn; false if there is no room for it.
  boolean offerEvent(ByteBuffer frame) {
    if (isClosed() || !events.add(frame)) {
      return false;
    }
    if (!eventsDue && !retrying) {
      eventsDue = true;
      context.loop().execute(this::sendDueEvents);
    }
    if (!retrying && waiting.isEmpty() && events.bytes() > EVENTS_AT_ONCE) {
      flush();
    }
    return true;
  }

  /// Sends one more reply; events that wait are dropped.
  void offerLast(Reply reply) {
    events.drop();
    offer(reply, List.of());
  }

  /// Drops what has not left; closes its descriptors.
  @Override
  public void close() {
    closed = true;
    waiting.forEach(this::drop);
    waiting.clear();
    events.close();
    waitingBytes = 0;
    flight.close();
  }

  /// Right before the socket is closed.
  void end() {
    flight.end();
  }

  /// Runs this when the peer has read all descriptors, or can no longer; for the end of a session.
  void onceRead(Runnable task) {
    flight.onceRead(task);
  }

  /// The channel may have closed its descriptor, whose number may be another file's by now.
  private boolean isClosed() {
    return closed || !channel.isOpen();
  }

  private Outgoing outgoing(Reply reply, List<Fd> descriptors) {
    long deadline = context.nanoTime() + TimeUnit.SECONDS.toNanos(Limits.OUTPUT_SECONDS);
    return new Outgoing(reply, descriptors, deadline);
  }

  private void enqueue(Outgoing newest) {
    waiting.add(newest);
    waitingBytes += newest.bytes.remaining();
    if (!retrying) {
      boolean hadEvents = !events.isEmpty();
      flush();
      tellOfEvents(hadEvents);
    }
    Outgoing last = waiting.peekLast();
    if (last != null && !last.counted) {
      keep(last);
    }
  }

  /// Sends at most so many of a frame's bytes with its descriptors; closes them in any case.
  private boolean begin(Outgoing newest, int bytes) {
    try {
      if (isClosed()
          || !waiting.isEmpty()
          || events.isBegun()
          || !flight.admits(newest.descriptors.size())) {
        return false;
      }
      int sent =
          Descriptors.send(
              socket, scratch(newest.bytes.duplicate().limit(bytes)), newest.descriptors);
      if (sent == Descriptors.WOULD_BLOCK) {
        return false;
      }
      flight.sent(newest.descriptors.size());
      newest.bytes.position(sent);
      return true;
    } catch (IOException _) { // of a peer that is gone Netty tells, too
      return false;
    } finally {
      newest.closeDescriptors();
    }
  }

  private void sendDueEvents() {
    eventsDue = false;
    if (!isClosed() && !retrying) {
      flush();
      tellOfEvents(true);
    }
  }

  private void tellOfEvents(boolean hadEvents) {
    if (hadEvents && !closed && events.isEmpty()) {
      owner.eventsTaken();
    }
  }

  /// For one that is here to stay: the newest reply, or what replaced it.
  private void keep(Outgoing newest) {
    newest.counted = share.takeReply(newest.bytes.limit());
    if (waitingBytes > Limits.OUTPUT_MAX) {
      giveUp("replies are not read: bytes=%d max=%d".formatted(waitingBytes, Limits.OUTPUT_MAX));
    } else if (!newest.counted) {
      giveUp("replies are not read, and their memory is needed: bytes=" + waitingBytes);
    }
  }

  /// Sends as long as the socket takes any.
  private void flush() {
    try {
      while (!waiting.isEmpty() || !events.isEmpty()) {
        boolean eventsFirst = waiting.isEmpty() || events.isBegun();
        if (!(eventsFirst ? sendEvents() : sendFrom(waiting.element()))) {
          retryLater();
          return;
        }
        retryMicros = RETRY_MIN_MICROS;
      }
    } catch (IOException _) {
      abandon();
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

  private boolean sendEvents() throws IOException {
    int sent = Descriptors.send(socket, scratch(events.next()), List.of());
    if (sent == Descriptors.WOULD_BLOCK) {
      return false;
    }
    events.sent(sent);
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
    giveBack(oldest);
  }

  private void drop(Outgoing undelivered) {
    undelivered.closeDescriptors();
    giveBack(undelivered);
  }

  private void giveBack(Outgoing left) {
    if (left.counted) {
      share.giveReply(left.bytes.limit());
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
    replacement.counted = refused.counted && share.takeReply(replacement.bytes.limit());
    waiting.addFirst(replacement);
    waitingBytes += replacement.bytes.limit();
    owner.undelivered(refused.reply);
  }

  private void retryLater() {
    retrying = true;
    var _ = context.loop().schedule(this::retry, retryMicros, TimeUnit.MICROSECONDS);
    long max = waiting.isEmpty() ? RETRY_EVENTS_MAX_MICROS : RETRY_MAX_MICROS;
    retryMicros = Math.min(2 * retryMicros, max);
  }

  private void retry() {
    retrying = false;
    if (isClosed()) {
      return;
    }
    boolean hadEvents = !events.isEmpty();
    flush();
    if (closed) {
      return;
    }
    tellOfEvents(hadEvents);
    if (waiting.isEmpty()) {
      owner.drained();
    } else if (context.nanoTime() - waiting.element().deadline > 0) {
      giveUp("replies are not read: seconds=" + Limits.OUTPUT_SECONDS);
    }
  }

  private void giveUp(String reason) {
    abandon();
    owner.gaveUp(reason);
  }

  /// Drops what has not left while the socket is still open. What is in flight stays charged until
  /// the peer has read it, or nobody would be: one that shut only its reading side down (SHUT_RD)
  /// may still have it.
  private void abandon() {
    end();
    close();
  }

  private ByteBuffer scratch(ByteBuffer bytes) {
    ByteBuffer scratch = context.scratch();
    int length = Math.min(bytes.remaining(), scratch.capacity());
    scratch.clear().limit(length);
    scratch.put(0, bytes, bytes.position(), length);
    return scratch;
  }
}
