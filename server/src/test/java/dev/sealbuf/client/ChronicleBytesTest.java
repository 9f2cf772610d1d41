package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.BytesStore;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Chronicle Bytes over shared memory, none of whose mistakes ends the JVM.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class ChronicleBytesTest {
  private Sealbuf store;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void whatIsWrittenInPlaceIsRead() {
    try (BufferWriter writer = store.create("chronicle/fields", 4096)) {
      Bytes<Void> out = ChronicleBytes.of(writer);
      out.writeInt(7).writeUtf8("größe").writeDouble(1.5).writeStopBit(300).write8bit("abc");
      out.write(new byte[] {1, 2, 3}).append("x=").append(42).append('\n');
      writer.seal(out.writePosition()).close();
    }
    try (SealedBuffer buffer = store.get("chronicle/fields")) {
      Bytes<Void> in = ChronicleBytes.of(buffer);
      assertThat(in.readRemaining()).isEqualTo(buffer.nbytes());
      assertThat(in.readInt()).isEqualTo(7);
      assertThat(in.readUtf8()).isEqualTo("größe");
      assertThat(in.readDouble()).isEqualTo(1.5);
      assertThat(in.readStopBit()).isEqualTo(300);
      assertThat(in.read8bit()).isEqualTo("abc");
      byte[] three = new byte[3];
      in.read(three);
      assertThat(three).containsExactly(1, 2, 3);
      in.readSkip(2);
      assertThat(in.parseLong()).isEqualTo(42);
      assertThat(in.readRemaining()).isZero();
    }
  }

  @Test
  void wholeBuffersAreComparedAndCopied() {
    byte[] content = Content.of("chronicle", 1001);
    store.put("chronicle/whole", content);
    try (SealedBuffer buffer = store.get("chronicle/whole");
        BufferWriter writer = store.create("chronicle/copy", 1001)) {
      Bytes<Void> in = ChronicleBytes.of(buffer);
      Bytes<?> heap = Bytes.wrapForRead(content);
      assertThat(in.contentEquals(heap)).isTrue();
      assertThat(in.toByteArray()).isEqualTo(content);
      ChronicleBytes.of(writer).write(in);
      ByteBuffer target = ByteBuffer.allocate(1001);
      in.read(target);
      assertThat(target.array()).isEqualTo(content);
      try (SealedBuffer copy = writer.seal()) {
        assertThat(copy.toByteArray()).isEqualTo(content);
        Bytes<Void> copied = ChronicleBytes.of(copy);
        assertThat(copied.contentEquals(heap)).isTrue();
        assertThat(copied.fastHash(0, 1001)).isEqualTo(heap.fastHash(0, 1001));
      }
    }
  }

  @Test
  void numbersAreAppendedAsElsewhere() {
    try (BufferWriter writer = store.create("chronicle/numbers", 4096)) {
      Bytes<Void> shared = ChronicleBytes.of(writer);
      Bytes<?> heap = Bytes.allocateElasticOnHeap();
      for (Bytes<?> each : List.of(shared, heap)) {
        for (long number : new long[] {0, 7, -7, 1234567890123L, Long.MAX_VALUE, Long.MIN_VALUE}) {
          each.append(number).append(' ');
        }
        for (double number : new double[] {0, 1, -1.5, 0.05, 12345.678, 1e15, 1e-7, Math.PI}) {
          each.append(number).append(' ');
        }
        each.appendDecimal(12345, 3).append(' ').append(2.5f).append(' ').append(1.25, 3);
      }
      assertThat(shared.toString()).isEqualTo(heap.toString());
    }
  }

  @Test
  void atomicAccessWorksOnWhatIsBeingWritten() {
    try (BufferWriter writer = store.create("chronicle/atomic", 64)) {
      Bytes<Void> bytes = ChronicleBytes.of(writer);
      assertThat(bytes.compareAndSwapLong(8, 0, 5)).isTrue();
      assertThat(bytes.compareAndSwapLong(8, 0, 6)).isFalse();
      assertThat(bytes.addAndGetLong(8, 2)).isEqualTo(7);
      bytes.writeOrderedInt(16, 3);
      bytes.writeVolatileShort(20, (short) 4);
      bytes.testAndSetInt(16, 3, 9);
      assertThat(bytes.readVolatileLong(8)).isEqualTo(7);
      assertThat(bytes.readVolatileInt(16)).isEqualTo(9);
      assertThat(bytes.readVolatileShort(20)).isEqualTo((short) 4);
    }
  }

  @Test
  void nothingIsReadOrWrittenOutsideTheBuffer() {
    store.put("chronicle/bounds", new byte[10]);
    try (SealedBuffer buffer = store.get("chronicle/bounds");
        BufferWriter writer = store.create("chronicle/writer", 10)) {
      Bytes<Void> in = ChronicleBytes.of(buffer);
      assertThat(in.readLong()).isZero();
      refused(in::readLong, BufferUnderflowException.class);
      Bytes<Void> out = ChronicleBytes.of(writer);
      out.writeLong(1);
      refused(() -> out.writeLong(1), BufferOverflowException.class);
      refused(() -> out.write(new byte[11]), BufferOverflowException.class);
      for (Bytes<Void> each : List.of(in, out)) {
        for (long at : new long[] {-1, 3, 10, 4096, 1L << 40, Long.MAX_VALUE}) {
          for (ThrowingCallable access : accesses(each, at)) {
            refused(access, RuntimeException.class);
          }
        }
        refused(() -> each.addressForRead(0), UnsupportedOperationException.class);
        refused(() -> each.addressForWrite(0), UnsupportedOperationException.class);
      }
    }
  }

  private static BytesStore<?, ?> store(Bytes<Void> bytes) {
    return Objects.requireNonNull(bytes.bytesStore());
  }

  private static List<ThrowingCallable> accesses(Bytes<Void> bytes, long at) {
    List<ThrowingCallable> all = new ArrayList<>();
    all.add(() -> bytes.readLong(at));
    all.add(() -> bytes.readDouble(at));
    all.add(() -> bytes.writeLong(at, 1));
    all.add(() -> bytes.writeDouble(at, 1));
    all.add(() -> bytes.write(at, new byte[8]));
    all.add(() -> bytes.compareAndSwapLong(at, 0, 1));
    all.add(() -> bytes.writeOrderedLong(at, 1));
    all.add(() -> bytes.readVolatileLong(at));
    all.add(() -> store(bytes).readLong(at));
    all.add(() -> store(bytes).writeLong(at, 1));
    return all;
  }

  @Test
  void aSealedBufferCannotBeWrittenThroughItsBytes() {
    store.put("chronicle/sealed", new byte[16]);
    try (SealedBuffer buffer = store.get("chronicle/sealed")) {
      Bytes<Void> bytes = ChronicleBytes.of(buffer);
      refused(() -> bytes.writeByte((byte) 1), BufferOverflowException.class);
      bytes.writePosition(0).writeLimit(16);
      refused(() -> bytes.writeLong(1), IllegalArgumentException.class);
      refused(() -> bytes.writeLong(8, 1), IllegalArgumentException.class);
      refused(() -> bytes.write(0, new byte[4]), IllegalArgumentException.class);
      refused(() -> store(bytes).writeByte(0, 1), IllegalArgumentException.class);
      refused(() -> store(bytes).compareAndSwapInt(0, 0, 1), RuntimeException.class);
      assertThat(buffer.toByteArray()).containsOnly(0);
    }
  }

  @Test
  void bytesOfAWriterEndWithItsSealAndItsAbort() {
    for (boolean sealed : new boolean[] {true, false}) {
      Bytes<Void> bytes;
      try (BufferWriter writer = store.create("chronicle/ended/" + sealed, 16)) {
        bytes = ChronicleBytes.of(writer);
        bytes.writeInt(1);
        if (sealed) {
          writer.seal().close();
        }
      }
      refused(() -> bytes.writeInt(1), IllegalStateException.class);
      refused(() -> bytes.readInt(0), IllegalStateException.class);
      refused(() -> store(bytes).writeInt(0, 1), IllegalStateException.class);
    }
  }

  @Test
  void bytesOfABufferOutliveItsCloseAndItsStore() {
    for (int nbytes : new int[] {16, 300_000}) {
      String name = "chronicle/outlives/" + nbytes;
      store.put(name, Content.of(name, nbytes));
      Bytes<Void> bytes;
      SealedBuffer closed;
      try (Sealbuf other = DaemonProcess.shared().connect();
          SealedBuffer buffer = other.get(name)) {
        bytes = ChronicleBytes.of(buffer);
        closed = buffer;
      }
      store.delete(name);
      System.gc();
      assertThat(bytes.toByteArray()).isEqualTo(Content.of(name, nbytes));
      assertThatThrownBy(() -> ChronicleBytes.of(closed))
          .isInstanceOf(ClosedException.class)
          .hasMessage("the buffer is closed: name=" + name + "; do not use it after close");
    }
  }

  private static void refused(ThrowingCallable call, Class<? extends Throwable> type) {
    assertThatThrownBy(call).isInstanceOf(type);
  }
}
