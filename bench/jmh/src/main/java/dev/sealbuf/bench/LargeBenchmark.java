package dev.sealbuf.bench;

import dev.sealbuf.client.BufferInfo;
import dev.sealbuf.client.BufferWriter;
import dev.sealbuf.client.PutOptions;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Large buffers beside a copy of their bytes. Before each, and outside what is timed, the data is
/// made anew, as a producer would. Each buffer replaces the one before.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 2, time = 1)
public class LargeBenchmark {
  /// Where the memory of a buffer begins in a mapping.
  private static final long ALIGNMENT = 4096;

  @Param({"1", "16"})
  private long mebibytes;

  private final Arena arena = Arena.ofShared();
  private final PutOptions replacing = PutOptions.NONE.replacing();
  private MemorySegment data;
  private MemorySegment copy;
  private byte round;
  private Daemon daemon;
  private Sealbuf store;

  @Setup
  public void connect() throws IOException {
    data = arena.allocate(mebibytes << 20, ALIGNMENT);
    copy = arena.allocate(mebibytes << 20, ALIGNMENT);
    daemon = new Daemon();
    store = daemon.store();
  }

  @Setup(Level.Invocation)
  public void make() {
    data.fill(++round);
  }

  @TearDown
  public void stop() throws IOException {
    daemon.close();
    arena.close();
  }

  @Benchmark
  public MemorySegment memcpy() {
    return copy.copyFrom(data);
  }

  @Benchmark
  public BufferInfo put() {
    return store.put("large", data, replacing);
  }

  /// A writer that is created and sealed, and no more: what a put costs beside its copy.
  @Benchmark
  public String createAndSeal() {
    try (BufferWriter writer = store.create("large", data.byteSize(), replacing);
        SealedBuffer sealed = writer.seal()) {
      return sealed.name();
    }
  }
}
