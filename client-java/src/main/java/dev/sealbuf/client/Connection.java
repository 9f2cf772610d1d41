package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.DescriptorsTruncatedException;
import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.FrameException;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Prefix;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;

/// One connection to the daemon, one request at a time.
///
/// **One sendmsg, one recvmsg.** The receive buffer of a session's own connection holds the largest
/// frame there is, so a reply that has arrived is read with one call.
///
/// **Deadlines.** A call that waited too long leaves, its reply comes later. Replies carry the
/// number of their request, so the next call skips those of earlier ones and closes their
/// descriptors; a loan that nobody waits for, and one whose writer could not say abort, is given
/// back along with it, or by [#tidy] if there is none. A request that could not be sent whole is
/// different: the stream is out of step and the connection ends.
///
/// **Ends.** The user closes, or the connection is *lost*: by the peer, by an error on the stream,
/// or because it cannot be trusted any more ([ProtocolException]). A lost one says
/// [DisconnectedException] to whoever still calls, and whether that request may have had an effect.
///
/// **Descriptors** are kept in order of arrival; a frame takes as many as it states. Fewer, or any
/// left over when no frame is pending, and the stream cannot be trusted.
final class Connection implements AutoCloseable {
  private enum State {
    OPEN,
    LOST,
    CLOSED
  }

  /// Room for the largest frame there is.
  static final long WHOLE_FRAMES = Prefix.BYTES + Limits.HEAD_MAX + Limits.PAGE_MAX;

  /// Room for several frames without a page; a longer one takes more calls.
  static final long SHORT_FRAMES = 16 * 1024;

  /// How long the daemon may take to be told what is given back.
  private static final Duration TIDYING = Duration.ofMillis(100);

  private final UnixSocket socket;
  private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
  private final ReentrantLock turn = new ReentrantLock();
  private final FrameDecoder decoder = FrameDecoder.ofReplies();
  private final MemorySegment buffer;
  private final ByteBuffer bytes;
  private final Deque<Fd> arrived = new ArrayDeque<>();
  private final Queue<Long> orphans = new ConcurrentLinkedQueue<>();
  private final Spares spares = new Spares(orphans::add);
  private long seq;
  private long answered;
  private boolean sent;

  /// @param room bytes received at once
  Connection(UnixSocket socket, long room) {
    this.socket = socket;
    this.buffer = Arena.ofAuto().allocate(room);
    this.bytes = buffer.asByteBuffer().limit(0);
  }

  static Connection open(Path path, long room, Deadline deadline) {
    try {
      return new Connection(UnixSocket.connect(path, deadline), room);
    } catch (SocketTimeoutException _) {
      throw new TimeoutException("the daemon did not accept in time: socket=" + path);
    } catch (PosixException e) {
      throw refusedConnect(path, e);
    } catch (IOException e) {
      throw new NoDaemonException("cannot connect: socket=%s error=%s".formatted(path, e));
    }
  }

  private static SealbufException refusedConnect(Path path, PosixException e) {
    return switch (e.errno()) {
      case Errno.EACCES, Errno.EPERM ->
          new NotPermittedException("this uid may not open the socket: socket=" + path);
      case Errno.ENAMETOOLONG ->
          new InvalidRequestException(
              "path of the socket too long: socket=%s max=%d".formatted(path, UnixSocket.PATH_MAX));
      default ->
          new NoDaemonException(
              "nobody listens: socket=%s errno=%s".formatted(path, Errno.name(e.errno())));
    };
  }

  /// Sends a request and waits for its reply; an error reply is thrown as its exception. The
  /// request is made from its number.
  Answer call(LongFunction<Request> request, Deadline deadline) {
    takeTurn(deadline);
    try {
      requireOpen();
      requireTime(deadline);
      sent = false;
      giveBackOrphans(deadline);
      sent = send(request.apply(++seq), deadline);
      Answer answer = receive(seq, deadline);
      answered = seq;
      return accepted(answer);
    } finally {
      turn.unlock();
    }
  }

  /// Waits for what the daemon says of its own accord: events, after a request to watch.
  Answer listen(Deadline deadline) {
    takeTurn(deadline);
    try {
      requireOpen();
      return accepted(next(deadline));
    } finally {
      turn.unlock();
    }
  }

  private Answer accepted(Answer answer) {
    if (answer.reply() instanceof Reply.Failure failure) {
      answer.close();
      throw failure(failure);
    }
    return spares.keep(answer);
  }

  /// Segments for publications to come, by what came with those before.
  Spares spares() {
    return spares;
  }

  /// Whether every request has its reply, so that somebody else may use this connection.
  boolean isIdle() {
    turn.lock();
    try {
      return state.get() == State.OPEN && answered == seq;
    } finally {
      turn.unlock();
    }
  }

  /// Has an unfinished buffer aborted along with the next request.
  void forget(long unfinished) {
    orphans.add(unfinished);
  }

  /// Has the daemon told now what there is to be given back, for who asks for nothing.
  void tidy() {
    spares.giveBackUnused();
    if (orphans.isEmpty()) {
      return;
    }
    try {
      call(Request.Ping::new, Deadline.after(TIDYING)).close();
    } catch (SealbufException _) {
      // What could not be told is told next time.
    }
  }

  private void giveBackOrphans(Deadline deadline) {
    for (Long orphan = orphans.peek(); orphan != null; orphan = orphans.peek()) {
      long unfinished = orphan;
      send(new Request.Abort(++seq, unfinished), deadline);
      orphans.remove();
    }
  }

  boolean isOpen() {
    return state.get() == State.OPEN;
  }

  /// Ends the connection; a call that waits in another thread ends with [ClosedException].
  @Override
  public void close() {
    if (state.getAndSet(State.CLOSED) != State.CLOSED) {
      end();
    }
  }

  /// Ends a connection whose other end is gone or not to be trusted; a call that waits in another
  /// thread ends with [DisconnectedException].
  void lose() {
    state.compareAndSet(State.OPEN, State.LOST);
    end();
  }

  private void end() {
    socket.close();
    turn.lock();
    try {
      dropDescriptors();
    } finally {
      turn.unlock();
    }
  }

  private void takeTurn(Deadline deadline) {
    if (turn.tryLock()) {
      return; // also in a thread that is interrupted: it has nothing to wait for
    }
    try {
      if (!turn.tryLock(deadline.remaining(), TimeUnit.NANOSECONDS)) {
        throw new TimeoutException("other threads' requests took until the deadline");
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new TimeoutException("interrupted while other threads' requests were in work");
    }
  }

  /// Before anything is sent: a request that is broken off ends the connection for everybody.
  private static void requireTime(Deadline deadline) {
    if (deadline.hasPassed()) {
      throw new TimeoutException("other requests took until the deadline");
    }
  }

  /// False when the daemon has hung up before it had the whole request.
  private boolean send(Request request, Deadline deadline) {
    Frame frame = Requests.write(request);
    try {
      socket.send(
          deadline,
          List.of(),
          MemorySegment.ofBuffer(frame.start()),
          MemorySegment.ofBuffer(frame.payload()));
      return true;
    } catch (PosixException e) {
      if (e.errno() != Errno.EPIPE) {
        throw broken(e);
      }
      return false; // what it said before is still to be read
    } catch (SocketTimeoutException _) {
      breakOff();
      throw new TimeoutException("the daemon did not take the request in time");
    } catch (IOException | IllegalStateException e) {
      throw broken(e);
    }
  }

  private Answer receive(long wanted, Deadline deadline) {
    while (true) {
      Answer answer = next(deadline);
      long answered = answer.reply().seq();
      if (answered == wanted || answered == 0) {
        return answer;
      }
      answer.close();
      OptionalLong lent = answer.lent();
      if (lent.isPresent()) {
        send(new Request.Abort(++seq, lent.getAsLong()), deadline);
      }
    }
  }

  private Answer next(Deadline deadline) {
    try {
      Optional<Frame> frame = decoder.next(bytes);
      while (frame.isEmpty()) {
        requireNoneLeftOver();
        fill(deadline);
        frame = decoder.next(bytes);
      }
      return new Answer(Replies.read(frame.get()), take(frame.get().descriptors()));
    } catch (HeadException e) {
      throw untrusted(ErrorCode.PROTOCOL, e);
    } catch (FrameException e) {
      throw untrusted(e.code(), e);
    }
  }

  private void fill(Deadline deadline) {
    try {
      UnixSocket.Received received = socket.receive(deadline, buffer, Limits.DESCRIPTORS_MAX);
      arrived.addAll(received.descriptors());
      bytes.position(0).limit(received.bytes());
      if (received.isEndOfStream()) {
        throw gone("the daemon closed the connection");
      }
    } catch (SocketTimeoutException _) {
      throw new TimeoutException("the daemon did not answer in time");
    } catch (DescriptorsTruncatedException e) {
      throw untrusted(ErrorCode.PROTOCOL, e);
    } catch (IOException | IllegalStateException e) {
      throw broken(e);
    }
  }

  private List<Fd> take(int stated) {
    int count = arrived.size();
    if (count < stated) {
      breakOff();
      throw new ProtocolException(
          "fewer descriptors than the frame states: descriptors=%d stated=%d"
              .formatted(count, stated));
    }
    List<Fd> taken = new ArrayList<>(stated);
    while (taken.size() < stated) {
      taken.add(arrived.removeFirst());
    }
    return taken;
  }

  private void requireNoneLeftOver() {
    if (decoder.isIdle() && !arrived.isEmpty()) {
      int count = arrived.size();
      breakOff();
      throw new ProtocolException("descriptors that no frame states: descriptors=" + count);
    }
  }

  private SealbufException failure(Reply.Failure failure) {
    Optional<ErrorCode> code = ErrorCode.of(failure.code());
    if (failure.seq() == 0) {
      breakOff();
    }
    return code.isPresent()
        ? SealbufException.of(code.get(), failure.message())
        : new ProtocolException(
            "unknown error of a newer daemon: code=%s message=%s"
                .formatted(failure.code(), failure.message()));
  }

  private void requireOpen() {
    switch (state.get()) {
      case OPEN -> {}
      case LOST -> throw DisconnectedException.unsent("the connection to the daemon is broken");
      case CLOSED -> throw new ClosedException("the store is closed");
    }
  }

  private SealbufException broken(Exception cause) {
    SealbufException gone = gone("the connection broke: error=" + cause.getMessage());
    gone.initCause(cause);
    return gone;
  }

  private SealbufException gone(String message) {
    breakOff();
    return state.get() == State.CLOSED
        ? new ClosedException("the store was closed during the call")
        : sent ? new DisconnectedException(message) : DisconnectedException.unsent(message);
  }

  private SealbufException untrusted(ErrorCode code, Exception cause) {
    breakOff();
    SealbufException untrusted = SealbufException.of(code, String.valueOf(cause.getMessage()));
    untrusted.initCause(cause);
    return untrusted;
  }

  private void breakOff() {
    state.compareAndSet(State.OPEN, State.LOST);
    socket.close();
    dropDescriptors();
  }

  private void dropDescriptors() {
    arrived.forEach(Fd::close);
    arrived.clear();
    spares.end();
  }
}
