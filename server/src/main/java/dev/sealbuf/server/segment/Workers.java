package dev.sealbuf.server.segment;

import dev.sealbuf.memory.ThreadPriority;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// The threads for what may take long: preparing pages, adding seals, closes and unmaps that may be
/// the last (35 ms for 256 MiB of small pages).
///
/// Work never touches the state of the store. What comes of it goes back to the loop as a task, and
/// there alone is decided what happens next; so the state needs no lock. Nothing waits here for
/// long by itself: what has to be tried again is given in again, with a delay.
///
/// How much can be queued is bounded by what gives it in: the unfinished buffers of a session, one
/// seal a uid, the segments of the account.
///
/// What nobody waits for yet is done by one thread that stands back behind all others: the kernel
/// is busy with a huge page for up to 4 ms, and a producer may want the same CPU.
///
/// Every method belongs to the loop's thread.
public final class Workers implements AutoCloseable {
  /// A seal that waits for a pinned page (164 ms) must not hold up the others; many more threads
  /// would only fight for the kernel's memory locks.
  private static final int THREADS = 4;

  private final Executor loop;
  private final ExecutorService pool;
  private final ScheduledThreadPoolExecutor timer;
  private final ExecutorService background;
  private final BlockingQueue<Runnable> results = new LinkedBlockingQueue<>();
  private int pending;

  /// Starts no thread before there is work.
  ///
  /// @param loop runs tasks one after the other, on the thread that also calls everything here
  public Workers(Executor loop) {
    this.loop = loop;
    this.pool = Executors.newFixedThreadPool(THREADS, named("sealbuf-worker-"));
    this.timer = new ScheduledThreadPoolExecutor(1, named("sealbuf-timer-"));
    this.background =
        Executors.newSingleThreadExecutor(
            work -> named("sealbuf-background-").newThread(() -> runInBackground(work)));
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /// Does `work` on a worker, and on the loop then either `done` with its result or `failed` with
  /// what it threw.
  public <T> void call(Callable<T> work, Consumer<T> done, Consumer<Throwable> failed) {
    pending++;
    pool.execute(() -> report(result(work, done, failed)));
  }

  /// The same, not before `millis` have passed.
  public <T> void callLater(
      long millis, Callable<T> work, Consumer<T> done, Consumer<Throwable> failed) {
    if (millis == 0) {
      call(work, done, failed);
      return;
    }
    pending++;
    Runnable task = () -> report(result(work, done, failed));
    var _ = timer.schedule(() -> pool.execute(task), millis, TimeUnit.MILLISECONDS);
  }

  /// Does work that nobody waits for, and on the loop then `done` or `failed`.
  public <T> void callInBackground(Callable<T> work, Consumer<T> done, Consumer<Throwable> failed) {
    pending++;
    background.execute(() -> report(result(work, done, failed)));
  }

  private static void runInBackground(Runnable work) {
    try {
      ThreadPriority.toBackground();
    } catch (IOException _) {
      // It is as good as the others then.
    }
    work.run();
  }

  /// Runs a task on the loop when this turn is over, unless this is closed before.
  public void soon(Runnable task) {
    onLoop(task);
  }

  /// Runs a task on the loop when `millis` have passed, unless this is closed before.
  public void later(long millis, Runnable task) {
    var _ = timer.schedule(() -> onLoop(task), millis, TimeUnit.MILLISECONDS);
  }

  private void onLoop(Runnable task) {
    try {
      loop.execute(() -> {
        if (!timer.isShutdown()) {
          task.run();
        }
      });
    } catch (RejectedExecutionException _) {
      // The loop has ended, and with it what the task was about.
    }
  }

  /// Closes something whose end may take long.
  public void dispose(AutoCloseable garbage) {
    call(
        () -> {
          garbage.close();
          return garbage;
        },
        _ -> {},
        failure -> {
          throw new IllegalStateException("closing failed: garbage=" + garbage, failure);
        });
  }

  private static <T> Runnable result(
      Callable<T> work, Consumer<T> done, Consumer<Throwable> failed) {
    try {
      T result = work.call();
      return () -> done.accept(result);
    } catch (Exception | Error e) {
      return () -> failed.accept(e);
    }
  }

  private void report(Runnable result) {
    results.add(result);
    try {
      loop.execute(this::takeResult);
    } catch (RejectedExecutionException _) {
      // The loop has ended before the store: close() takes the result.
    }
  }

  private void takeResult() {
    Runnable result = results.poll();
    if (result != null) {
      pending--;
      result.run();
    }
  }

  /// Waits until all work is done, delayed work and what its results give in included, and takes
  /// the results here instead of on the loop, which this holds up.
  @Override
  public void close() {
    boolean interrupted = false;
    while (pending > 0) {
      try {
        Runnable result = results.take();
        pending--;
        result.run();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    timer.close();
    pool.close();
    background.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static ThreadFactory named(String prefix) {
    AtomicInteger count = new AtomicInteger();
    return work ->
        Thread.ofPlatform().daemon().name(prefix + count.incrementAndGet()).unstarted(work);
  }
}
