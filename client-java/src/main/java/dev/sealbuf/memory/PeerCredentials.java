package dev.sealbuf.memory;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Who connected, as the kernel recorded it at connect(2): what the peer does to itself afterwards
/// does not show.
///
/// Numbers are unsigned 32-bit. A peer from another user namespace has the [#overflowUid], as has
/// every other one from there: such an identity proves nothing.
///
/// @param pid of the process that connected; 0 when it is in another PID namespace
/// @param groups the supplementary groups
public record PeerCredentials(int pid, long uid, long gid, List<Long> groups) {
  /// Digits of an unsigned 32-bit number and the end of the line.
  private static final int NUMBER_MAX = 11;

  private static final Path OVERFLOW_UID = Path.of("/proc/sys/kernel/overflowuid");

  /// What most processes have; more are learnt from ERANGE.
  private static final int GROUPS_GUESS = 32;

  public PeerCredentials {
    groups = List.copyOf(groups);
  }

  /// The identity of the process at the other end of a connected Unix socket.
  public static PeerCredentials of(Fd socket) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ucred = arena.allocate(ValueLayout.JAVA_INT, 3);
      MemorySegment length = length(arena, ucred.byteSize());
      int errno = -get(socket, Linux.SO_PEERCRED, ucred, length);
      if (errno != 0) {
        throw new PosixException("getsockopt", "option=SO_PEERCRED", errno);
      }
      return new PeerCredentials(
          ucred.getAtIndex(ValueLayout.JAVA_INT, 0),
          unsigned(ucred, 1),
          unsigned(ucred, 2),
          groups(socket, arena));
    }
  }

  private static List<Long> groups(Fd socket, Arena arena) throws IOException {
    MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, GROUPS_GUESS);
    MemorySegment length = length(arena, ids.byteSize());
    int errno = -get(socket, Linux.SO_PEERGROUPS, ids, length);
    if (errno == Errno.ERANGE) { // length now says how much room it takes
      ids = arena.allocate(ValueLayout.JAVA_INT, count(length));
      errno = -get(socket, Linux.SO_PEERGROUPS, ids, length);
    }
    if (errno != 0) {
      throw new PosixException("getsockopt", "option=SO_PEERGROUPS", errno);
    }
    List<Long> groups = new ArrayList<>();
    for (int i = 0; i < count(length); i++) {
      groups.add(unsigned(ids, i));
    }
    return groups;
  }

  private static int get(Fd socket, int option, MemorySegment value, MemorySegment length)
      throws IOException {
    return socket.query(fd -> Posix.getsockopt(fd, option, value, length));
  }

  private static MemorySegment length(Arena arena, long bytes) {
    return arena.allocateFrom(ValueLayout.JAVA_INT, (int) bytes);
  }

  private static int count(MemorySegment length) {
    return length.get(ValueLayout.JAVA_INT, 0) / Integer.BYTES;
  }

  private static long unsigned(MemorySegment ids, int index) {
    return Integer.toUnsignedLong(ids.getAtIndex(ValueLayout.JAVA_INT, index));
  }

  /// The effective uid of this process.
  public static long ownUid() {
    return Integer.toUnsignedLong(Posix.geteuid());
  }

  /// The uid that stands for all uids this user namespace has no number for; 65534 unless
  /// configured.
  public static long overflowUid() throws IOException {
    try (InputStream file = Files.newInputStream(OVERFLOW_UID)) {
      // In one read: the kernel ends a sysctl's file after the first, however short.
      return Long.parseLong(new String(file.readNBytes(NUMBER_MAX), US_ASCII).strip());
    }
  }
}
