package dev.sealbuf.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/// The structures that sendmsg(2) and recvmsg(2) take, allocated once and used again for each call.
///
/// ```
/// msghdr ──> iovec[PARTS_MAX] ──> the bytes, where they are
///        └─> cmsghdr | descriptor numbers (SCM_RIGHTS)
/// ```
///
/// The control part is as long as the numbers in it, to the byte: the kernel would fill what
/// rounding up adds with a descriptor nobody counted on. Not thread-safe: its owner sees to one
/// call at a time.
final class Message {
  /// Prefix, head and payload of a frame, and as much again.
  static final int PARTS_MAX = 8;

  /// What the kernel lets one message carry (SCM_MAX_FD).
  static final int DESCRIPTORS_MAX = 253;

  private static final StructLayout HEADER =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("name"),
          ValueLayout.JAVA_INT.withName("namelen"),
          MemoryLayout.paddingLayout(Integer.BYTES),
          ValueLayout.JAVA_LONG.withName("iov"),
          ValueLayout.JAVA_LONG.withName("iovlen"),
          ValueLayout.JAVA_LONG.withName("control"),
          ValueLayout.JAVA_LONG.withName("controllen"),
          ValueLayout.JAVA_INT.withName("flags"),
          MemoryLayout.paddingLayout(Integer.BYTES));
  private static final VarHandle IOV = field(HEADER, "iov");
  private static final VarHandle IOVLEN = field(HEADER, "iovlen");
  private static final VarHandle CONTROL = field(HEADER, "control");
  private static final VarHandle CONTROLLEN = field(HEADER, "controllen");
  private static final VarHandle FLAGS = field(HEADER, "flags");

  private static final SequenceLayout PARTS =
      MemoryLayout.sequenceLayout(
          PARTS_MAX,
          MemoryLayout.structLayout(
              ValueLayout.JAVA_LONG.withName("base"), ValueLayout.JAVA_LONG.withName("len")));
  private static final VarHandle PART_BASE = element(PARTS, "base");
  private static final VarHandle PART_LEN = element(PARTS, "len");

  private static final StructLayout RIGHTS =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("len"),
          ValueLayout.JAVA_INT.withName("level"),
          ValueLayout.JAVA_INT.withName("type"),
          MemoryLayout.sequenceLayout(DESCRIPTORS_MAX, ValueLayout.JAVA_INT).withName("numbers"));
  private static final VarHandle RIGHTS_LEN = field(RIGHTS, "len");
  private static final VarHandle RIGHTS_LEVEL = field(RIGHTS, "level");
  private static final VarHandle RIGHTS_TYPE = field(RIGHTS, "type");
  private static final VarHandle RIGHTS_NUMBER =
      RIGHTS
          .varHandle(PathElement.groupElement("numbers"), PathElement.sequenceElement())
          .withInvokeExactBehavior();
  private static final long NUMBERS = RIGHTS.byteOffset(PathElement.groupElement("numbers"));

  private final MemorySegment header;
  private final MemorySegment parts;
  private final MemorySegment rights;
  private long count;

  /// The segments live as long as this object.
  Message() {
    Arena arena = Arena.ofAuto();
    header = arena.allocate(HEADER);
    parts = arena.allocate(PARTS);
    rights = arena.allocate(RIGHTS);
    IOV.set(header, 0L, parts.address());
  }

  /// Forgets the parts of the call before.
  void clearParts() {
    count = 0;
  }

  boolean isFull() {
    return count == PARTS_MAX;
  }

  /// Adds native memory, which must stay alive until the call.
  void addPart(MemorySegment bytes) {
    PART_BASE.set(parts, 0L, count, bytes.address());
    PART_LEN.set(parts, 0L, count, bytes.byteSize());
    count++;
  }

  /// Sends the parts, with the descriptors if there are any; the result is that of sendmsg.
  long send(int fd, List<Fd> descriptors, int flags) {
    if (descriptors.size() > DESCRIPTORS_MAX) {
      throw new IllegalArgumentException(
          "too many descriptors: descriptors=" + descriptors.size() + " max=" + DESCRIPTORS_MAX);
    }
    int acquired = 0;
    try {
      for (Fd descriptor : descriptors) {
        RIGHTS_NUMBER.set(rights, 0L, (long) acquired, descriptor.acquire());
        acquired++;
      }
      prepareControl(acquired);
      RIGHTS_LEN.set(rights, 0L, controlBytes(acquired));
      RIGHTS_LEVEL.set(rights, 0L, Linux.SOL_SOCKET);
      RIGHTS_TYPE.set(rights, 0L, Linux.SCM_RIGHTS);
      return Posix.sendmsg(fd, header, flags | Linux.MSG_NOSIGNAL);
    } finally {
      for (Fd descriptor : descriptors.subList(0, acquired)) {
        descriptor.release();
      }
    }
  }

  /// Receives into the parts, with room for so many descriptors; the result is that of recvmsg.
  long receive(int fd, int room, int flags) {
    prepareControl(room);
    return Posix.recvmsg(fd, header, flags | Linux.MSG_CMSG_CLOEXEC);
  }

  /// Whether the message received last carried more descriptors than there was room for, or than
  /// this process may open.
  boolean isTruncated() {
    return ((int) FLAGS.get(header, 0L) & Linux.MSG_CTRUNC) != 0;
  }

  /// The descriptors of the message received last, now the caller's.
  List<Fd> takeDescriptors() {
    if ((long) CONTROLLEN.get(header, 0L) < NUMBERS) {
      return List.of();
    }
    boolean isRights =
        (int) RIGHTS_LEVEL.get(rights, 0L) == Linux.SOL_SOCKET
            && (int) RIGHTS_TYPE.get(rights, 0L) == Linux.SCM_RIGHTS;
    if (!isRights) {
      return List.of();
    }
    long numbers = ((long) RIGHTS_LEN.get(rights, 0L) - NUMBERS) / Integer.BYTES;
    List<Fd> descriptors = new ArrayList<>((int) numbers);
    for (long i = 0; i < numbers; i++) {
      descriptors.add(Fd.adopt((int) RIGHTS_NUMBER.get(rights, 0L, i)));
    }
    return descriptors;
  }

  private void prepareControl(int descriptors) {
    IOVLEN.set(header, 0L, count);
    CONTROL.set(header, 0L, descriptors == 0 ? 0L : rights.address());
    CONTROLLEN.set(header, 0L, controlBytes(descriptors));
    FLAGS.set(header, 0L, 0);
  }

  private static long controlBytes(int descriptors) {
    return descriptors == 0 ? 0 : NUMBERS + (long) descriptors * Integer.BYTES;
  }

  private static VarHandle field(StructLayout layout, String name) {
    return layout.varHandle(PathElement.groupElement(name)).withInvokeExactBehavior();
  }

  private static VarHandle element(SequenceLayout layout, String name) {
    return layout
        .varHandle(PathElement.sequenceElement(), PathElement.groupElement(name))
        .withInvokeExactBehavior();
  }
}
