package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class MappingTest {
  private static final long BYTES = 64 * 1024;
  private static final long MIB = 1024 * 1024;
  private static final long PAUSE = 20_000_000;
  private static final Seals PUBLISHED =
      Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  @Test
  void showsTheSameBytesToEveryMapping() throws IOException {
    try (Fd fd = file(BYTES);
        Mapping writer = Mapping.readWrite(fd, BYTES);
        Mapping reader = Mapping.readOnly(fd, BYTES)) {
      writer.segment().set(ValueLayout.JAVA_BYTE, BYTES - 1, (byte) 7);
      assertThat(reader.segment().get(ValueLayout.JAVA_BYTE, BYTES - 1)).isEqualTo((byte) 7);
      assertThat(reader.bytes()).isEqualTo(BYTES);
      assertThat(reader.segment().byteSize()).isEqualTo(BYTES);
    }
  }

  @Test
  void aReadOnlyViewRefusesStores() throws IOException {
    try (Fd fd = file(BYTES);
        Mapping reader = Mapping.readOnly(fd, BYTES)) {
      MemorySegment view = reader.segment();
      assertThat(view.isReadOnly()).isTrue();
      assertThatThrownBy(() -> view.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("Attempt to write a read-only segment");
    }
  }

  @Test
  void largeMappingsAreAlignedToHugePages() throws IOException {
    long huge = PageSizes.huge().orElseThrow();
    long bytes = 2 * huge + 5;
    try (Fd fd = file(bytes)) {
      for (int i = 0; i < 8; i++) {
        try (Mapping reader = Mapping.readOnly(fd, bytes);
            Mapping writer = Mapping.readWrite(fd, bytes)) {
          assertThat(reader.segment().address() % huge).isZero();
          assertThat(writer.segment().address() % huge).isZero();
        }
      }
    }
  }

  @Test
  void aLargeMappingTakesOneEntryOfTheProcessMap() throws IOException {
    long bytes = 3 * PageSizes.huge().orElseThrow();
    try (Fd fd = file(bytes);
        Mapping reader = Mapping.readOnly(fd, bytes)) {
      long address = reader.segment().address();
      assertThat(ProcessMaps.entriesWithin(address - 1, address + bytes + 1)).isEqualTo(1);
    }
  }

  @Test
  void moreThanTwoGibibytesCanBeReachedAtBothEnds() throws IOException {
    long bytes = 5L * 1024 * MIB + 3;
    try (Fd fd = file(bytes);
        Mapping writer = Mapping.readWrite(fd, bytes);
        Mapping reader = Mapping.readOnly(fd, bytes)) {
      writer.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      writer.segment().set(ValueLayout.JAVA_BYTE, bytes - 1, (byte) 2);
      assertThat(reader.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
      assertThat(reader.segment().get(ValueLayout.JAVA_BYTE, bytes - 1)).isEqualTo((byte) 2);
      assertThat(Memfd.stat(fd).allocated()).isLessThan(8 * MIB);
    }
  }

  @Test
  void aMappingEndsWithinItsFile() throws IOException {
    try (Fd fd = file(BYTES)) {
      assertThatThrownBy(() -> Mapping.readOnly(fd, BYTES + 1))
          .isInstanceOf(IOException.class)
          .hasMessage("a mapping ends within its file: bytes=65537 file=65536");
      assertThatThrownBy(() -> Mapping.readOnly(fd, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("a mapping has at least one byte: bytes=0");
    }
  }

  @Test
  void sealingEndsTheWritersViewsAndGoesOnReading() throws IOException {
    for (long bytes : new long[] {BYTES, 3 * MIB}) {
      try (Fd fd = file(bytes);
          Fd readOnly = Memfd.reopenReadOnly(fd);
          Mapping mapping = Mapping.readWrite(fd, bytes)) {
        MemorySegment writable = mapping.segment();
        writable.fill((byte) 9);
        assertThatThrownBy(() -> Memfd.addSeals(fd, PUBLISHED)).hasMessageEndingWith("EBUSY (16)");

        mapping.sealReadOnly(readOnly);
        Memfd.addSeals(fd, PUBLISHED);

        assertThat(mapping.segment().address()).isEqualTo(writable.address());
        assertThat(mapping.segment().isReadOnly()).isTrue();
        assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, bytes - 1)).isEqualTo((byte) 9);
        assertThatThrownBy(() -> writable.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("Already closed");
      }
    }
  }

  @Test
  void onlyAWritableMappingIsSealed() throws IOException {
    try (Fd fd = file(BYTES);
        Mapping reader = Mapping.readOnly(fd, BYTES)) {
      assertThatThrownBy(() -> reader.sealReadOnly(fd))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("only a writable mapping is sealed: mapping=" + reader);
    }
  }

  @Test
  void aSealThatCannotBeMappedLeavesNothingWritable() throws IOException {
    try (Fd fd = file(BYTES);
        Mapping mapping = Mapping.readWrite(fd, BYTES)) {
      Fd closed = Memfd.reopenReadOnly(fd);
      closed.close();
      assertThatThrownBy(() -> mapping.sealReadOnly(closed))
          .isInstanceOf(IllegalStateException.class);
      Memfd.addSeals(fd, PUBLISHED); // nothing stands in its way
      assertThatThrownBy(mapping::segment)
          .isInstanceOf(MappingClosedException.class)
          .hasMessage("mapping is closed: mapping=" + mapping);
    }
  }

  @Test
  void aStoreThroughAStaleAddressAfterTheSealEndsThatProcessAlone() throws IOException {
    try (ChildJvm child = ChildJvm.start(StaleStore.class)) {
      assertThat(child.readLine()).isEqualTo("sealed");
      assertThat(child.readRest()).contains("SIGSEGV").doesNotContain("written");
      assertThat(child.exitCode()).isNotZero();
    }
  }

  /// Seals, then stores through the old address as native code could.
  static final class StaleStore {
    private StaleStore() {}

    public static void main(String[] arguments) throws IOException {
      try (Fd fd = file(BYTES);
          Mapping mapping = Mapping.readWrite(fd, BYTES)) {
        long address = mapping.segment().address();
        Libc.call("memset", address, 1, BYTES);
        mapping.sealReadOnly(Memfd.reopenReadOnly(fd));
        IO.println("sealed");
        Libc.call("memset", address, 2, BYTES);
        IO.println("written");
      }
    }
  }

  @Test
  void anAbandonedMappingKeepsItsAddressesButNotTheFile() throws IOException {
    try (Fd fd = file(BYTES);
        Mapping mapping = Mapping.readWrite(fd, BYTES);
        Mapping reader = Mapping.readOnly(fd, BYTES)) {
      long address = mapping.segment().address();
      mapping.abandon();
      mapping.abandon();
      Libc.call("memset", address, 1, BYTES);
      assertThat(reader.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
      assertThatThrownBy(mapping::segment)
          .isInstanceOf(MappingClosedException.class)
          .hasMessage("mapping is closed: mapping=" + mapping);
    }
  }

  @Test
  void closeIsIdempotentAndEndsEveryView() throws IOException {
    try (Fd fd = file(BYTES)) {
      int before = Mapping.live();
      Mapping mapping = Mapping.readOnly(fd, BYTES);
      MemorySegment slice = mapping.segment().asSlice(16, 16);
      assertThat(Mapping.live()).isEqualTo(before + 1);
      mapping.close();
      mapping.close();
      assertThat(Mapping.live()).isEqualTo(before);
      assertThatThrownBy(() -> slice.get(ValueLayout.JAVA_BYTE, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("Already closed");
      assertThatThrownBy(mapping::segment).isInstanceOf(MappingClosedException.class);
      assertThatThrownBy(mapping::abandon).isInstanceOf(MappingClosedException.class);
    }
  }

  @Test
  void closedWhileReadingIsAnExceptionInTheReader() throws Exception {
    try (Fd fd = file(3 * MIB)) {
      for (int round = 0; round < 20; round++) {
        Mapping mapping = Mapping.readOnly(fd, 3 * MIB);
        MemorySegment view = mapping.segment();
        CountDownLatch reading = new CountDownLatch(1);
        CompletableFuture<Void> reader =
            CompletableFuture.runAsync(() -> readUntilClosed(view, reading));
        reading.await();
        mapping.close();
        assertThatThrownBy(() -> reader.get(10, TimeUnit.SECONDS))
            .rootCause()
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("Already closed");
      }
    }
  }

  private static void readUntilClosed(MemorySegment view, CountDownLatch reading) {
    while (true) {
      for (long offset = 0; offset < view.byteSize(); offset += Long.BYTES) {
        if (view.get(ValueLayout.JAVA_LONG, offset) != 0) {
          throw new AssertionError("never written: offset=" + offset);
        }
      }
      reading.countDown();
    }
  }

  @Test
  void viewsInsideACallCannotEnd() throws Exception {
    Pipe pipe = Pipe.open();
    try (Fd fd = file(BYTES);
        Mapping mapping = Mapping.readWrite(fd, BYTES);
        Pipe.SourceChannel source = pipe.source();
        Pipe.SinkChannel sink = pipe.sink()) {
      ByteBuffer view = mapping.segment().asByteBuffer();
      Thread reader = Thread.ofPlatform().start(() -> readOnce(source, view));
      awaitNativeRead(reader);
      assertThatThrownBy(mapping::close)
          .isInstanceOf(ViewsInUseException.class)
          .hasMessage("a thread is inside a call on a view of the mapping: mapping=" + mapping);
      sink.write(ByteBuffer.wrap(new byte[] {5}));
      reader.join();
      assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 5);
    }
  }

  private static void readOnce(Pipe.SourceChannel source, ByteBuffer view) {
    try {
      source.read(view);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /// A thread in a native read is RUNNABLE with that method on top of its stack.
  private static void awaitNativeRead(Thread reader) {
    while (true) {
      StackTraceElement[] stack = reader.getStackTrace();
      if (stack.length > 0
          && stack[0].isNativeMethod()
          && stack[0].getMethodName().contains("read")) {
        return;
      }
      Thread.onSpinWait();
    }
  }

  @Test
  @Timeout(30)
  void aForgottenMappingLivesAsLongAsItsLastViewAndNoLonger() throws Exception {
    int before = Mapping.live();
    MemorySegment[] slice = {sealedAndForgotten()};
    for (int round = 0; round < 5; round++) {
      System.gc();
      LockSupport.parkNanos(PAUSE);
    }
    assertThat(slice[0].get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
    assertThat(Mapping.live()).isEqualTo(before + 1);
    slice[0] = MemorySegment.NULL;
    while (Mapping.live() > before) {
      System.gc();
      Thread.onSpinWait();
    }
  }

  /// The views of the writable state are unreachable long before; they must not end the range.
  private static MemorySegment sealedAndForgotten() throws IOException {
    try (Fd fd = file(BYTES);
        Fd readOnly = Memfd.reopenReadOnly(fd)) {
      Mapping mapping = Mapping.readWrite(fd, BYTES);
      mapping.segment().set(ValueLayout.JAVA_BYTE, 16, (byte) 7);
      mapping.sealReadOnly(readOnly);
      return mapping.segment().asSlice(16, 16);
    }
  }

  private static Fd file(long bytes) throws IOException {
    Fd fd = Memfd.create("mapping-test");
    Memfd.resize(fd, bytes);
    return fd;
  }
}
