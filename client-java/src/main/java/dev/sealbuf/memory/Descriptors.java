package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.List;

/// Sends bytes with descriptors on a socket that somebody else reads from and polls, without ever
/// waiting.
///
/// For a daemon whose event loop owns the channel: `Fd.borrow(channel.fd().intValue())`, on that
/// loop.
public final class Descriptors {
  /// The socket's buffer is full; nothing was sent, and the descriptors are still to be sent.
  public static final int WOULD_BLOCK = -1;

  private static final ThreadLocal<Message> MESSAGE = ThreadLocal.withInitial(Message::new);

  private Descriptors() {}

  /// Sends what the socket takes now. The descriptors go with the first byte, so once anything was
  /// sent the rest follows without them. The buffer's position does not move; the descriptors stay
  /// open here.
  ///
  /// @param bytes direct, not empty
  /// @return how many bytes were sent, at least 1, or [#WOULD_BLOCK]
  /// @throws PosixException ETOOMANYREFS when this uid has too many descriptors in flight
  ///   (passing); EPIPE or ECONNRESET when the peer is gone
  public static int send(Fd socket, ByteBuffer bytes, List<Fd> descriptors) throws IOException {
    if (!bytes.isDirect() || !bytes.hasRemaining()) {
      throw new IllegalArgumentException("a sent buffer is direct and not empty: " + bytes);
    }
    long sent = send(MESSAGE.get(), socket, bytes, descriptors);
    if (sent == -Errno.EAGAIN) {
      return WOULD_BLOCK;
    }
    if (sent < 0) {
      String arguments = "bytes=" + bytes.remaining() + " descriptors=" + descriptors.size();
      throw new PosixException("sendmsg", arguments, (int) -sent);
    }
    return (int) sent;
  }

  /// What the peer has not read yet of what was sent, with the kernel's own bookkeeping; 0 exactly
  /// when it has read everything, descriptors included (SIOCOUTQ, unix(7)).
  public static int unread(Fd socket) throws IOException {
    return socket.query(number -> Posix.ioctlInt(number, Linux.SIOCOUTQ));
  }

  /// Tells the peer that nothing more comes and nothing is read any more; what was sent is still
  /// its own to read.
  public static void shutDown(Fd socket) throws IOException {
    socket.use(number -> Posix.shutdown(number, Linux.SHUT_RDWR));
  }

  private static long send(Message message, Fd socket, ByteBuffer bytes, List<Fd> descriptors)
      throws IOException {
    try {
      message.clearParts();
      message.addPart(MemorySegment.ofBuffer(bytes));
      return socket.query(number -> message.send(number, descriptors, Linux.MSG_DONTWAIT));
    } finally {
      Reference.reachabilityFence(bytes); // the kernel is given its address only
    }
  }
}
