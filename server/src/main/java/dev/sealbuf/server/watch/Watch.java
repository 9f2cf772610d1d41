package dev.sealbuf.server.watch;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Inotify;
import dev.sealbuf.memory.Pidfd;
import dev.sealbuf.memory.Poller;
import dev.sealbuf.memory.PosixException;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Waits for ends: of processes ([Pidfd]) and of memory files ([Inotify]).
///
/// One thread, "sealbuf-watch", sleeps in the kernel until something ends, and gives a task to the
/// loop. It knows numbers only; what a number means, and whether anybody still wants to know, is
/// state of the loop. So nothing is locked, and a watch that is closed on the loop is never heard
/// of again, whatever was on its way.
///
/// A mass of ends, such as a reader of 60 000 segments that is killed, comes in tasks of bounded
/// size. When the kernel drops events, what is left is read from it as a whole.
public final class Watch implements AutoCloseable {
  /// A watch that can be given up.
  public interface Registration extends AutoCloseable {
    /// Nothing of it is heard after this. Does nothing when what was waited for has happened.
    @Override
    void close();
  }

  /// A process that is waited for.
  private record Peer(Fd pidfd, Runnable ended) {}

  private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

  /// The poller's key of the inotify descriptor; processes are counted from 1.
  private static final long MEMORY = 0;

  /// Ends of memory that one task of the loop tells.
  private static final int ENDS_A_TASK = 256;

  private final Executor loop;
  private final Poller poller;
  private final Inotify inotify;
  private final Map<Long, Peer> processes = new HashMap<>();
  private final Map<Integer, Runnable> memory = new HashMap<>();
  private final Thread thread;
  private long lastProcess = MEMORY;
  private volatile int newestMemory;
  private volatile boolean closing;

  private Watch(Executor loop, Poller poller, Inotify inotify) {
    this.loop = loop;
    this.poller = poller;
    this.inotify = inotify;
    this.thread = Thread.ofPlatform().daemon().name("sealbuf-watch").start(this::run);
  }

  /// Starts to wait.
  ///
  /// @param loop runs tasks one after the other, on the thread that also calls everything here
  public static Watch start(Executor loop) throws IOException {
    Poller poller = Poller.open();
    try {
      Inotify inotify = Inotify.open();
      try {
        poller.add(inotify.fd(), MEMORY);
        return new Watch(loop, poller, inotify);
      } catch (IOException | RuntimeException e) {
        inotify.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      poller.close();
      throw e;
    }
  }

  /// Waits for the end of the process that connected, whoever has its socket by then. It may have
  /// ended already; `ended` runs in a later turn of the loop all the same, once. Takes a
  /// descriptor.
  ///
  /// @throws IOException when the process cannot be watched
  public Registration process(Fd socket, Runnable ended) throws IOException {
    long key = ++lastProcess;
    try {
      Fd pidfd = Pidfd.ofPeer(socket);
      processes.put(key, new Peer(pidfd, ended));
      try {
        poller.add(pidfd, key);
      } catch (IOException e) {
        forget(key);
        throw e;
      }
    } catch (PosixException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e;
      }
      processes.put(key, new Peer(socket.dup(), ended));
      loop.execute(() -> ended(key));
    }
    return () -> forget(key);
  }

  /// Waits until a memory file is gone: nobody has it open or mapped in any way, this process
  /// included, which is free to close it.
  ///
  /// @throws IOException when there are too many watches
  public Registration memory(Fd file, Runnable gone) throws IOException {
    int watch = inotify.watch(file);
    memory.put(watch, gone);
    newestMemory = watch;
    return () -> memory.remove(watch);
  }

  private void forget(long key) {
    Peer process = processes.remove(key);
    if (process != null) {
      process.pidfd.close();
    }
  }

  private void ended(long key) {
    Peer process = processes.get(key);
    if (process != null) {
      forget(key);
      process.ended.run();
    }
  }

  private void gone(int watch) {
    Runnable gone = memory.remove(watch);
    if (gone != null) {
      gone.run();
    }
  }

  /// Events were dropped: what was watched by then and is not any more is gone.
  private void reconcile(int newest, int[] left) {
    List.copyOf(memory.keySet()).stream()
        .filter(watch -> watch <= newest && Arrays.binarySearch(left, watch) < 0)
        .forEach(this::gone);
  }

  private void run() {
    while (!closing) {
      try {
        poller.await(this::report);
      } catch (IOException | RuntimeException e) {
        LOG.error("ends of processes and of memory are not noticed any more", e);
        return;
      }
    }
  }

  private void report(long key) {
    if (key == MEMORY) {
      try {
        readMemory();
      } catch (IOException e) {
        LOG.error("ends of memory were missed", e);
      }
    } else {
      tell(() -> ended(key));
    }
  }

  private void readMemory() throws IOException {
    IntStream.Builder builder = IntStream.builder();
    int newest = newestMemory;
    boolean complete = inotify.read(builder::add);
    int[] ends = builder.build().toArray();
    for (int from = 0; from < ends.length; from += ENDS_A_TASK) {
      int[] part = Arrays.copyOfRange(ends, from, Math.min(from + ENDS_A_TASK, ends.length));
      tell(() -> IntStream.of(part).forEach(this::gone));
    }
    if (!complete) {
      int[] left = inotify.watched();
      tell(() -> reconcile(newest, left));
    }
  }

  private void tell(Runnable task) {
    try {
      loop.execute(task);
    } catch (RejectedExecutionException _) {
      // The loop has ended, and with it whoever wanted to know.
    }
  }

  /// Ends all waiting. Nothing is heard of any watch after this.
  @Override
  public void close() {
    closing = true;
    boolean interrupted = false;
    try {
      poller.wake();
    } catch (IOException e) {
      throw new AssertionError("an event counter of this process can be written", e);
    }
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    inotify.close();
    poller.close();
    List.copyOf(processes.keySet()).forEach(this::forget);
    memory.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
