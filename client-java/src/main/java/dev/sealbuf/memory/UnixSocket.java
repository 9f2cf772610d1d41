package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// A connected, blocking Unix stream socket that carries descriptors, for a client.
///
/// **One system call a message.** A thread waits inside sendmsg and recvmsg, not in poll before
/// them. Their time limits are socket options, set only when they change: see [#arm].
///
/// **Threads.** One may send while another receives; more take turns. [#close] ends the waiting of
/// both: a receiver sees the end of the stream, a sender EPIPE. A thread that waits here keeps its
/// carrier thread if it is virtual.
public final class UnixSocket implements AutoCloseable {
  /// Bytes of a socket's path that fit the kernel's address beside the NUL at its end.
  public static final int PATH_MAX = 107;

  /// Heap memory is copied here on its way out, so much a call.
  private static final int HEAP_BYTES_MAX = 64 * 1024;

  /// Time limits are rounded up by at most this part of themselves.
  private static final int TIMEOUT_STEPS = 16;

  private static final long MICROSECOND = 1_000;
  private static final long SECOND = 1_000_000_000;

  private static final StructLayout ADDRESS =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_SHORT.withName("family"),
          MemoryLayout.sequenceLayout(PATH_MAX + 1, ValueLayout.JAVA_BYTE).withName("path"));
  private static final StructLayout TIMEVAL =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("sec"), ValueLayout.JAVA_LONG.withName("usec"));

  private final Fd fd;
  private final Message outgoing = new Message();
  private final Message incoming = new Message();
  private final MemorySegment heapBytes = Arena.ofAuto().allocate(HEAP_BYTES_MAX);
  private long sendTimeout;
  private long receiveTimeout;

  private UnixSocket(Fd fd) {
    this.fd = fd;
  }

  /// Takes over a connected blocking Unix stream socket.
  public static UnixSocket adopt(Fd fd) {
    return new UnixSocket(fd);
  }

  /// Connects to a listening socket; waits while its backlog is full.
  ///
  /// @throws PosixException ENOENT or ECONNREFUSED when nobody listens, EACCES when this uid may
  ///   not connect, ENAMETOOLONG for a path above [#PATH_MAX] bytes
  /// @throws java.net.SocketTimeoutException when the deadline passes
  public static UnixSocket connect(Path path, Deadline deadline) throws IOException {
    int type = Linux.SOCK_STREAM | Linux.SOCK_CLOEXEC;
    UnixSocket socket = new UnixSocket(Fd.adopt(Posix.socket(Linux.AF_UNIX, type)));
    try {
      socket.connectTo(path, deadline);
      return socket;
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /// SO_SNDTIMEO bounds connect(2) too: with a full backlog it answers EAGAIN after that time.
  private void connectTo(Path path, Deadline deadline) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = address(arena, path);
      int errno = Errno.EAGAIN;
      while (errno == Errno.EAGAIN) {
        deadline.check("connect");
        armSend(deadline);
        errno = -fd.query(number -> Posix.connect(number, address));
      }
      if (errno != 0) {
        throw new PosixException("connect", "path=" + path, errno);
      }
    }
  }

  static MemorySegment address(Arena arena, Path path) throws PosixException {
    byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
    if (bytes.length > PATH_MAX) {
      String arguments = "path=" + path + " bytes=" + bytes.length + " max=" + PATH_MAX;
      throw new PosixException("connect", arguments, Errno.ENAMETOOLONG);
    }
    long pathOffset = ADDRESS.byteOffset(PathElement.groupElement("path"));
    MemorySegment address = arena.allocate(ADDRESS);
    address.set(ValueLayout.JAVA_SHORT, 0, (short) Linux.AF_UNIX);
    MemorySegment.copy(bytes, 0, address, ValueLayout.JAVA_BYTE, pathOffset, bytes.length);
    return address.asSlice(0, pathOffset + bytes.length + 1);
  }

  /// Sends all parts, in order, as one message as far as the kernel takes them at once; the
  /// descriptors go with the first byte. Native parts are sent from where they are, others are
  /// copied.
  ///
  /// After any exception a part of the message may be on its way, so the stream is not to be used
  /// further.
  public void send(Deadline deadline, List<Fd> descriptors, MemorySegment... parts)
      throws IOException {
    synchronized (outgoing) {
      long total = 0;
      for (MemorySegment part : parts) {
        total += part.byteSize();
      }
      if (total == 0 && !descriptors.isEmpty()) {
        throw new IllegalArgumentException(
            "descriptors travel with a byte: descriptors=" + descriptors.size() + " bytes=0");
      }
      List<Fd> rights = descriptors;
      for (long sent = 0; sent < total; ) {
        long bytes = sendFrom(sent, deadline, rights, parts);
        sent += bytes;
        rights = bytes == 0 ? rights : List.of();
      }
    }
  }

  private long sendFrom(long from, Deadline deadline, List<Fd> descriptors, MemorySegment[] parts)
      throws IOException {
    deadline.check("send");
    armSend(deadline);
    long sent;
    try {
      gather(from, parts);
      sent = fd.query(number -> outgoing.send(number, descriptors, 0));
    } finally {
      Reference.reachabilityFence(parts); // the kernel is given addresses only
    }
    if (sent < 0 && sent != -Errno.EAGAIN) {
      throw new PosixException("sendmsg", "descriptors=" + descriptors.size(), (int) -sent);
    }
    return Math.max(0, sent);
  }

  /// Fills the outgoing message with what lies behind the first `from` bytes of all parts.
  private void gather(long from, MemorySegment[] parts) {
    outgoing.clearParts();
    long skip = from;
    long copied = 0;
    for (MemorySegment part : parts) {
      MemorySegment rest = part.asSlice(Math.min(skip, part.byteSize()));
      skip -= part.byteSize() - rest.byteSize();
      if (rest.byteSize() == 0) {
        continue;
      }
      if (outgoing.isFull() || (!rest.isNative() && copied == HEAP_BYTES_MAX)) {
        return;
      }
      if (rest.isNative()) {
        outgoing.addPart(rest);
        continue;
      }
      long bytes = Math.min(rest.byteSize(), HEAP_BYTES_MAX - copied);
      outgoing.addPart(heapBytes.asSlice(copied, bytes).copyFrom(rest.asSlice(0, bytes)));
      copied += bytes;
      if (bytes < rest.byteSize()) {
        return;
      }
    }
  }

  /// What one receive brought.
  ///
  /// @param bytes at the beginning of the buffer; 0 at the end of the stream
  /// @param descriptors that came with them, now the caller's
  public record Received(int bytes, List<Fd> descriptors) {
    public boolean isEndOfStream() {
      return bytes == 0;
    }
  }

  /// Receives what is there, at least one byte.
  ///
  /// @param buffer native memory, not empty
  /// @param room how many descriptors may come with it
  /// @throws DescriptorsTruncatedException when more came
  /// @throws java.net.SocketTimeoutException when the deadline passes; nothing is lost. After it,
  ///   what is there already is still received
  public Received receive(Deadline deadline, MemorySegment buffer, int room) throws IOException {
    if (!buffer.isNative() || buffer.byteSize() == 0) {
      throw new IllegalArgumentException("a receive buffer is native and not empty: " + buffer);
    }
    synchronized (incoming) {
      long bytes = receiveBytes(deadline, buffer, room);
      if (bytes < 0) {
        throw new PosixException("recvmsg", "room=" + room, (int) -bytes);
      }
      return new Received((int) bytes, takeDescriptors(room));
    }
  }

  private long receiveBytes(Deadline deadline, MemorySegment buffer, int room) throws IOException {
    try {
      incoming.clearParts();
      incoming.addPart(buffer);
      while (true) {
        boolean late = deadline.hasPassed();
        if (!late) {
          armReceive(deadline);
        }
        int flags = late ? Linux.MSG_DONTWAIT : 0;
        long bytes = fd.query(number -> incoming.receive(number, room, flags));
        if (bytes != -Errno.EAGAIN) {
          return bytes;
        }
        deadline.check("receive");
      }
    } finally {
      Reference.reachabilityFence(buffer); // the kernel is given its address only
    }
  }

  private List<Fd> takeDescriptors(int room) throws DescriptorsTruncatedException {
    List<Fd> descriptors = incoming.takeDescriptors();
    if (incoming.isTruncated()) {
      descriptors.forEach(Fd::close);
      throw new DescriptorsTruncatedException(room, descriptors.size());
    }
    return descriptors;
  }

  /// The other end's identity when it connected or was accepted.
  public PeerCredentials peer() throws IOException {
    return PeerCredentials.of(fd);
  }

  private void armSend(Deadline deadline) throws IOException {
    sendTimeout = arm(Linux.SO_SNDTIMEO, sendTimeout, deadline);
  }

  private void armReceive(Deadline deadline) throws IOException {
    receiveTimeout = arm(Linux.SO_RCVTIMEO, receiveTimeout, deadline);
  }

  /// Sets a time limit to what remains, rounded up in steps of a sixteenth of its magnitude. Calls
  /// that follow each other with equal timeouts so share one value and need no system call for it.
  private long arm(int option, long current, Deadline deadline) throws IOException {
    long remaining = Math.max(deadline.remaining(), MICROSECOND);
    long step = Math.max(Long.highestOneBit(remaining) / TIMEOUT_STEPS, MICROSECOND);
    long timeout = Math.ceilDiv(remaining, step) * step;
    if (timeout != current) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment value = arena.allocate(TIMEVAL);
        value.setAtIndex(ValueLayout.JAVA_LONG, 0, timeout / SECOND);
        value.setAtIndex(ValueLayout.JAVA_LONG, 1, timeout % SECOND / MICROSECOND);
        fd.use(number -> Posix.setsockopt(number, option, value));
      }
    }
    return timeout;
  }

  /// Ends the connection and the waiting of other threads in it. Does nothing when this is closed
  /// already.
  @Override
  public void close() {
    if (!fd.isOpen()) {
      return;
    }
    try {
      fd.use(number -> Posix.shutdown(number, Linux.SHUT_RDWR));
    } catch (IOException | IllegalStateException _) {
      // Never connected, or closed by another thread in between: nobody waits.
    }
    fd.close();
  }

  @Override
  public String toString() {
    return "UnixSocket[" + fd + "]";
  }
}
