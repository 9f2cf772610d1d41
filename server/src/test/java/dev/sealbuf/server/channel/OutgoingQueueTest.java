package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.server.watch.Watch;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Small replies to peers that do not read: what is kept of them is counted, and comes back.
@ExtendWith(LeakCheck.class)
@Timeout(60)
final class OutgoingQueueTest {
  private static final int UID = 20_002;
  private static final int OTHER_UID = 20_003;

  /// A quarter of it is the budget, a quarter of that one uid's: 256 KiB.
  private static final long HEAP = 4L << 20;

  private static final long OF_UID = 256L << 10;

  private static final Reply SMALL = Reply.Failure.of(1, ErrorCode.NOT_FOUND, "x".repeat(300));

  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final EventLoop loop = group.next();
  private final List<Peer> peers = new ArrayList<>();
  private final Watch watch;
  private final LoopContext context;

  OutgoingQueueTest() throws Exception {
    watch = Watch.start(loop);
    context = LoopContext.of(loop, watch, HEAP, 1000);
  }

  /// A queue, and the other end of its socket.
  private final class Peer implements OutgoingQueue.Owner {
    final int[] pair = Libc.socketPair();
    final EpollDomainSocketChannel channel = new EpollDomainSocketChannel(pair[0]);
    final HeapBudget.Share share;
    final OutgoingQueue queue;
    String reason = "";

    Peer(int uid) {
      share = context.budget().share(uid, () -> {});
      queue = new OutgoingQueue(channel, context, uid, share, this);
      peers.add(this);
    }

    /// Until one has to be kept.
    void fill() {
      while (queue.isEmpty() && reason.isEmpty()) {
        offer();
      }
    }

    void offer() {
      queue.offer(SMALL, List.of());
    }

    /// Everything that has left for it.
    void read() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(1 << 16);
        int dontWait = 0x40;
        while (Libc.call("recv", pair[1], bytes.address(), bytes.byteSize(), dontWait) > 0) {
          // goes on
        }
      }
    }

    void close() {
      queue.close();
      share.close();
      channel.unsafe().closeForcibly();
      Libc.call("close", pair[1]);
    }

    @Override
    public void drained() {}

    @Override
    public void eventsTaken() {}

    @Override
    public void undelivered(Reply reply) {}

    @Override
    public void gone() {}

    @Override
    public void gaveUp(String why) {
      reason = why;
    }
  }

  @AfterEach
  void end() throws Exception {
    on(() -> {
      peers.forEach(Peer::close);
      watch.close();
      return peers;
    });
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
  }

  private <T> T on(Callable<T> work) throws Exception {
    return loop.submit(work).sync().getNow();
  }

  private long taken() throws Exception {
    return on(context.budget()::taken);
  }

  @Test
  void whatLeavesAtOnceIsNotCounted() throws Exception {
    on(() -> {
      Peer reader = new Peer(UID);
      for (int i = 0; i < 1000; i++) {
        reader.offer();
        reader.read();
      }
      assertThat(reader.queue.isEmpty()).isTrue();
      return reader;
    });
    assertThat(taken()).isZero();
  }

  @Test
  void whatIsKeptCostsMoreThanItsBytesUntilItIsRead() throws Exception {
    Peer slow =
        on(() -> {
          Peer peer = new Peer(UID);
          peer.fill();
          for (int i = 0; i < 99; i++) {
            peer.offer();
          }
          return peer;
        });
    assertThat(taken()).isBetween(100 * (300L + HeapBudget.PER_REPLY), OF_UID);
    while (on(() -> !slow.queue.isEmpty())) {
      slow.read();
    }
    assertThat(taken()).isZero();
    assertThat(slow.reason).isEmpty();
  }

  @Test
  void manySessionsOfOneUidHaveItsPartAndNobodyElseNotices() throws Exception {
    Peer other = on(() -> new Peer(OTHER_UID));
    on(() -> {
      for (int i = 0; i < 20; i++) {
        new Peer(UID).fill();
      }
      for (int i = 0; i < 64; i++) {
        peers.stream().filter(peer -> peer != other && peer.reason.isEmpty()).forEach(Peer::offer);
      }
      return peers;
    });
    List<Peer> ended = peers.stream().filter(peer -> !peer.reason.isEmpty()).toList();
    assertThat(ended).isNotEmpty().doesNotContain(other).hasSizeLessThan(20);
    assertThat(ended)
        .allMatch(
            peer -> peer.reason.startsWith("replies are not read, and their memory is needed"));
    assertThat(taken()).isPositive().isLessThanOrEqualTo(OF_UID);
    on(() -> {
      other.fill();
      return other;
    });
    assertThat(other.reason).isEmpty();
    on(() -> {
      peers.forEach(peer -> peer.queue.close());
      return peers;
    });
    assertThat(taken()).isZero();
  }
}
