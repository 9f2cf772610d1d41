package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// A Unix datagram socket that sends to one address and never waits.
///
/// Not thread-safe.
public final class UnixDatagrams implements AutoCloseable {
  private static final int FAMILY_BYTES = Short.BYTES;

  private final Fd fd;
  private final Message outgoing = new Message();

  private UnixDatagrams(Fd fd) {
    this.fd = fd;
  }

  /// A socket for this address.
  ///
  /// @param address a path, or, with an `@` before it, a name in the abstract namespace (unix(7))
  /// @throws PosixException ENOENT or ECONNREFUSED when nobody listens, EACCES when this uid may
  ///   not send, ENAMETOOLONG
  public static UnixDatagrams to(String address) throws IOException {
    int type = Linux.SOCK_DGRAM | Linux.SOCK_CLOEXEC;
    Fd fd = Fd.adopt(Posix.socket(Linux.AF_UNIX, type));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = bytes(arena, address);
      int errno = -fd.query(number -> Posix.connect(number, bytes));
      if (errno != 0) {
        throw new PosixException("connect", "address=" + address, errno);
      }
      return new UnixDatagrams(fd);
    } catch (IOException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  /// The name of an abstract address begins with a NUL and ends with the address.
  private static MemorySegment bytes(Arena arena, String address) throws PosixException {
    MemorySegment bytes = UnixSocket.address(arena, Path.of(address));
    if (!address.startsWith("@")) {
      return bytes;
    }
    bytes.set(ValueLayout.JAVA_BYTE, FAMILY_BYTES, (byte) 0);
    return bytes.asSlice(0, bytes.byteSize() - 1);
  }

  /// Sends one datagram.
  ///
  /// @throws PosixException EAGAIN when the receiver has too many unread
  public void send(String text) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      outgoing.clearParts();
      outgoing.addPart(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes));
      long sent = fd.query(number -> outgoing.send(number, List.of(), Linux.MSG_DONTWAIT));
      if (sent < 0) {
        throw new PosixException("sendmsg", "bytes=" + bytes.length, (int) -sent);
      }
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
