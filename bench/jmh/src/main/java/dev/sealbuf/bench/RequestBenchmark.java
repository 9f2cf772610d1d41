package dev.sealbuf.bench;

import dev.sealbuf.client.BufferInfo;
import dev.sealbuf.client.PutOptions;
import dev.sealbuf.client.Sealbuf;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Small requests, one round trip each: a put beside the cheapest of all.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
public class RequestBenchmark {
  private static final int NBYTES = 1024;

  private final byte[] data = new byte[NBYTES];
  private final PutOptions replacing = PutOptions.NONE.replacing();
  private Daemon daemon;
  private Sealbuf store;

  @Setup
  public void connect() throws IOException {
    daemon = new Daemon();
    store = daemon.store();
  }

  @TearDown
  public void stop() throws IOException {
    daemon.close();
  }

  @Benchmark
  public Duration ping() {
    return store.ping();
  }

  /// 1 KiB; each put replaces the one before.
  @Benchmark
  public BufferInfo put() {
    return store.put("small", data, replacing);
  }
}
