package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// A socket that sends datagrams to one address, and never waits.
///
/// The descriptor is kept from the beginning, so that a message can be sent when there are no more
/// to be had. Each message connects anew (two cheap calls): the receiver may have bound its address
/// again since the last one. Threads: any; each message goes on its own.
public final class UnixDatagrams implements AutoCloseable {
  private final Fd fd;
  private final String address;
  private final MemorySegment encoded;

  private UnixDatagrams(Fd fd, String address, MemorySegment encoded) {
    this.fd = fd;
    this.address = address;
    this.encoded = encoded;
  }

  /// A sender to `address`: a path, or a name of the abstract namespace behind an `@`. Nobody need
  /// listen there yet.
  ///
  /// @throws PosixException ENAMETOOLONG for an address of more than 107 bytes
  public static UnixDatagrams to(String address) throws IOException {
    MemorySegment encoded = encode(address);
    int type = Linux.SOCK_DGRAM | Linux.SOCK_CLOEXEC;
    return new UnixDatagrams(Fd.adopt(Posix.socket(Linux.AF_UNIX, type)), address, encoded);
  }

  /// Sends one datagram, or nothing when the receiver's queue is full.
  ///
  /// @param message direct, not empty
  /// @return whether it was sent
  /// @throws PosixException ENOENT or ECONNREFUSED when nobody listens, EACCES when this uid may
  ///   not send there
  public boolean send(ByteBuffer message) throws IOException {
    int errno = -fd.query(number -> Posix.connect(number, encoded));
    if (errno != 0) {
      throw new PosixException("connect", "address=" + address, errno);
    }
    return Descriptors.send(fd, message, List.of()) != Descriptors.WOULD_BLOCK;
  }

  @Override
  public void close() {
    fd.close();
  }

  /// A path ends with a NUL that is counted; an abstract name begins with one, and ends with its
  /// last byte.
  private static MemorySegment encode(String address) throws PosixException {
    byte[] name = address.getBytes(StandardCharsets.UTF_8);
    if (name.length > UnixSocket.PATH_MAX) {
      String arguments =
          "address=%s bytes=%d max=%d".formatted(address, name.length, UnixSocket.PATH_MAX);
      throw new PosixException("connect", arguments, Errno.ENAMETOOLONG);
    }
    boolean isAbstract = address.startsWith("@");
    int bytes = Short.BYTES + name.length + (isAbstract ? 0 : 1);
    MemorySegment encoded = Arena.ofAuto().allocate(bytes);
    encoded.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) Linux.AF_UNIX);
    MemorySegment.copy(name, 0, encoded, ValueLayout.JAVA_BYTE, Short.BYTES, name.length);
    if (isAbstract) {
      encoded.set(ValueLayout.JAVA_BYTE, Short.BYTES, (byte) 0);
    }
    return encoded;
  }
}
