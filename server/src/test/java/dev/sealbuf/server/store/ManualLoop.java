package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// A loop that a test turns, and a clock that it moves: nothing happens in between. Other threads
/// may give it tasks.
final class ManualLoop extends AbstractExecutorService implements ScheduledExecutorService {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(1);

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Queue<Timer<?>> timers = new PriorityQueue<>(Comparator.comparingLong(Timer::due));
  private long nanos;

  private final class Timer<V> extends FutureTask<V> implements ScheduledFuture<V> {
    private final long due;

    Timer(Callable<V> task, long due) {
      super(task);
      this.due = due;
    }

    long due() {
      return due;
    }

    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(due - nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
    }
  }

  Clock clock() {
    return new Clock() {
      @Override
      public long epochMicros() {
        return TimeUnit.NANOSECONDS.toMicros(nanos);
      }

      @Override
      public long nanos() {
        return nanos;
      }
    };
  }

  /// Runs what there is to do, and nothing that comes of it. Returns how many tasks those were.
  int turn() {
    while (!timers.isEmpty() && timers.element().due <= nanos) {
      tasks.add(timers.remove());
    }
    int count = tasks.size();
    for (int i = 0; i < count; i++) {
      tasks.remove().run();
    }
    return count;
  }

  /// Time passes, and then there is nothing left to do.
  void pass(long millis) {
    nanos += TimeUnit.MILLISECONDS.toNanos(millis);
    while (turn() > 0) {}
  }

  /// Turns until something is so, in real time, because threads work towards it.
  void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
      turn();
      LockSupport.parkNanos(PAUSE.toNanos());
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  @Override
  public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
    return schedule(Executors.callable(task), delay, unit);
  }

  @Override
  public <V> ScheduledFuture<V> schedule(Callable<V> task, long delay, TimeUnit unit) {
    Timer<V> timer = new Timer<>(task, nanos + unit.toNanos(delay));
    timers.add(timer);
    return timer;
  }

  @Override
  public ScheduledFuture<?> scheduleAtFixedRate(
      Runnable task, long initialDelay, long period, TimeUnit unit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public ScheduledFuture<?> scheduleWithFixedDelay(
      Runnable task, long initialDelay, long delay, TimeUnit unit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void shutdown() {}

  @Override
  public List<Runnable> shutdownNow() {
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return false;
  }

  @Override
  public boolean isTerminated() {
    return false;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return false;
  }
}
