package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class MemfdTest {
  private static final long BYTES = 64 * 1024;
  private static final Seals PUBLISHED =
      Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  private static final int KEEP_SIZE_PUNCH_HOLE = 0x1 | 0x2;
  private static final int MADV_REMOVE = 9;
  private static final int READ_WRITE = Linux.PROT_READ | Linux.PROT_WRITE;

  @Test
  void isBornEmptyPrivateAndOpenToSeals() throws IOException {
    try (Fd fd = Memfd.create("memfd-new")) {
      Memfd.Stat stat = Memfd.stat(fd);
      assertThat(stat.mode()).isEqualTo(0100600);
      assertThat(stat.bytes()).isZero();
      assertThat(stat.allocated()).isZero();
      assertThat(stat.inode()).isNotZero();
      assertThat(Memfd.seals(fd).isExactly(Seals.NONE)).isTrue();
    }
  }

  @Test
  void aResizedFileIsAHoleUntilItIsAllocated() throws IOException {
    try (Fd fd = Memfd.create("memfd-hole")) {
      Memfd.resize(fd, BYTES);
      assertThat(Memfd.stat(fd).bytes()).isEqualTo(BYTES);
      assertThat(Memfd.stat(fd).allocated()).isZero();
      Memfd.allocate(fd, 0, BYTES);
      assertThat(Memfd.stat(fd).allocated()).isEqualTo(BYTES);
    }
  }

  @Test
  void whatIsWrittenIsThereFromTheHeapAndFromElsewhere() throws IOException {
    byte[] bytes = new byte[3 * (int) BYTES + 7];
    new Random(7).nextBytes(bytes);
    try (Fd fd = Memfd.create("memfd-written");
        Arena arena = Arena.ofConfined()) {
      MemorySegment onHeap = MemorySegment.ofArray(bytes);
      MemorySegment offHeap = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      for (MemorySegment data : List.of(onHeap, offHeap)) {
        Memfd.resize(fd, 0);
        Memfd.write(fd, data);
        assertThat(Memfd.stat(fd).bytes()).isEqualTo(bytes.length);
        try (Mapping mapping = Mapping.readOnly(fd, bytes.length)) {
          assertThat(mapping.segment().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
        }
      }
    }
  }

  @Test
  void aSealedFileIsNotWritten() throws IOException {
    try (Fd fd = prepared()) {
      Memfd.addSeals(fd, PUBLISHED);
      assertThatThrownBy(() -> Memfd.write(fd, MemorySegment.ofArray(new byte[9])))
          .isInstanceOf(PosixException.class)
          .hasMessage("pwrite(fd=%d bytes=9 offset=0): EPERM (1)".formatted(fd.number()));
    }
  }

  @Test
  void aNameThatIsTooLongIsRefused() {
    String name = "x".repeat(250);
    assertThatThrownBy(() -> Memfd.create(name))
        .isInstanceOf(PosixException.class)
        .hasMessage("memfd_create(name=" + name + " flags=0x3): EINVAL (22)");
  }

  @Test
  void sealsRefuseEveryChange() throws IOException {
    try (Fd fd = prepared();
        Fd readOnly = Memfd.reopenReadOnly(fd);
        Mapping reader = Mapping.readOnly(readOnly, BYTES)) {
      Memfd.addSeals(fd, PUBLISHED);
      Map<String, Long> expected = new LinkedHashMap<>();
      expected.put("pwrite", (long) -Errno.EPERM);
      expected.put("pwrite through a new description", (long) -Errno.EPERM);
      expected.put("mmap writable", (long) -Errno.EPERM);
      expected.put("mmap writable from the read-only description", (long) -Errno.EACCES);
      expected.put("mprotect", (long) -Errno.EACCES);
      expected.put("shrink", (long) -Errno.EPERM);
      expected.put("grow", (long) -Errno.EPERM);
      expected.put("grow by fallocate", (long) -Errno.EPERM);
      expected.put("punch a hole", (long) -Errno.EPERM);
      expected.put("MADV_REMOVE", (long) -Errno.EACCES);
      expected.put("add a seal", (long) -Errno.EPERM);
      assertThat(attack(fd, readOnly, reader)).isEqualTo(expected);
      assertThat(reader.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
    }
  }

  /// The control: without seals the same attacks change something, but for those that the read-only
  /// mapping refuses.
  @Test
  void withoutSealsTheSameChangesSucceed() throws IOException {
    try (Fd fd = prepared();
        Fd readOnly = Memfd.reopenReadOnly(fd);
        Mapping reader = Mapping.readOnly(readOnly, BYTES)) {
      Map<String, Long> results = attack(fd, readOnly, reader);
      assertThat(results.values().stream().filter(result -> result >= 0).count()).isEqualTo(8);
      assertThat(results)
          .containsEntry("mmap writable from the read-only description", (long) -Errno.EACCES)
          .containsEntry("mprotect", (long) -Errno.EACCES)
          .containsEntry("MADV_REMOVE", (long) -Errno.EACCES);
    }
  }

  private static Map<String, Long> attack(Fd fd, Fd readOnly, Mapping reader) throws IOException {
    int number = fd.number();
    long view = reader.segment().address();
    Map<String, Long> results = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined();
        Fd reopened = Memfd.reopenReadWrite(readOnly)) {
      long zero = arena.allocate(1).address();
      results.put("pwrite", Libc.call("pwrite", number, zero, 1, 0));
      results.put(
          "pwrite through a new description", Libc.call("pwrite", reopened.number(), zero, 1, 0));
      results.put("mmap writable", map(number));
      results.put("mmap writable from the read-only description", map(readOnly.number()));
      results.put("mprotect", Libc.call("mprotect", view, BYTES, READ_WRITE));
      results.put("shrink", Libc.call("ftruncate", number, BYTES / 2));
      results.put("grow", Libc.call("ftruncate", number, BYTES * 2));
      results.put("grow by fallocate", Libc.call("fallocate", number, 0, BYTES * 2, BYTES));
      results.put("punch a hole", Libc.call("fallocate", number, KEEP_SIZE_PUNCH_HOLE, 0, BYTES));
      results.put("MADV_REMOVE", Libc.call("madvise", view, BYTES, MADV_REMOVE));
      int futureWrite = Seals.FUTURE_WRITE.bits();
      results.put("add a seal", Libc.call("fcntl", number, Linux.F_ADD_SEALS, futureWrite));
    }
    return results;
  }

  private static long map(int number) {
    long address = Libc.call("mmap", 0, BYTES, READ_WRITE, Linux.MAP_SHARED, number, 0);
    if (address > 0) {
      Libc.call("munmap", address, BYTES);
    }
    return address;
  }

  @Test
  void writeIsRefusedWhileAWritableMappingLives() throws IOException {
    try (Fd fd = prepared()) {
      try (Mapping _ = Mapping.readWrite(fd, BYTES)) {
        assertThatThrownBy(() -> Memfd.addSeals(fd, PUBLISHED))
            .isInstanceOf(PosixException.class)
            .hasMessage("fcntl(fd=" + fd.number() + " command=1033 arg=0xf): EBUSY (16)");
        assertThat(Memfd.seals(fd).isExactly(Seals.NONE)).isTrue();
      }
      Memfd.addSeals(fd, PUBLISHED);
      assertThat(Memfd.seals(fd).isExactly(PUBLISHED)).isTrue();
    }
  }

  @Test
  void futureWriteLeavesTheMappingThereIs() throws IOException {
    try (Fd fd = prepared();
        Fd readOnly = Memfd.reopenReadOnly(fd);
        Mapping writer = Mapping.readWrite(fd, BYTES);
        Mapping reader = Mapping.readOnly(readOnly, BYTES)) {
      Memfd.addSeals(fd, Seals.of(Seals.FUTURE_WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL));
      writer.segment().set(ValueLayout.JAVA_BYTE, 7, (byte) 42);
      assertThat(reader.segment().get(ValueLayout.JAVA_BYTE, 7)).isEqualTo((byte) 42);
      assertThatThrownBy(() -> Mapping.readWrite(fd, BYTES))
          .isInstanceOf(PosixException.class)
          .hasMessageEndingWith(": EPERM (1)");
    }
  }

  @Test
  void aModeThatWasTakenAwayIsPutBack() throws IOException {
    try (Fd file = Memfd.create("test");
        Fd kept = Memfd.reopenReadOnly(file)) {
      assertThat(Libc.call("fchmod", kept.number(), 0)).isZero();

      try (Fd readable = Memfd.reopenReadOnly(kept);
          Fd writable = Memfd.reopenReadWrite(kept)) {
        assertThat(readable.isOpen()).isTrue();
        assertThat(writable.isOpen()).isTrue();
      }
    }
  }

  @Test
  void aReadOnlyDescriptionGivesNoWritableMapping() throws IOException {
    try (Fd fd = prepared();
        Fd readOnly = Memfd.reopenReadOnly(fd)) {
      assertThatThrownBy(() -> Mapping.readWrite(readOnly, BYTES))
          .isInstanceOf(PosixException.class)
          .hasMessage(
              "mmap(bytes=65536 prot=rw flags=0x1 fd="
                  + readOnly.number()
                  + " offset=0): EACCES (13)");
    }
  }

  private static Fd prepared() throws IOException {
    Fd fd = Memfd.create("memfd-test");
    Memfd.resize(fd, BYTES);
    Memfd.allocate(fd, 0, BYTES);
    return fd;
  }
}
