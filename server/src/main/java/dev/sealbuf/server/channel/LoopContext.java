package dev.sealbuf.server.channel;

import dev.sealbuf.server.watch.Watch;
import io.netty.channel.EventLoop;
import java.nio.ByteBuffer;

/// What all connections of the event loop share.
///
/// @param watch tells of processes that end
/// @param scratch native memory for whoever sends, until the send is done
record LoopContext(
    EventLoop loop,
    Watch watch,
    ByteBuffer scratch,
    HeapBudget budget,
    FlightCredit flight,
    Endings endings,
    PeerLog log) {
  /// What one send copies from the heap at most.
  private static final int SCRATCH_BYTES = 64 * 1024;

  static LoopContext of(EventLoop loop, Watch watch, long heapBytes, long openFiles) {
    return new LoopContext(
        loop,
        watch,
        ByteBuffer.allocateDirect(SCRATCH_BYTES),
        new HeapBudget(heapBytes, loop),
        new FlightCredit(openFiles, loop),
        new Endings(loop),
        new PeerLog(loop.ticker()));
  }

  long nanoTime() {
    return loop.ticker().nanoTime();
  }
}
