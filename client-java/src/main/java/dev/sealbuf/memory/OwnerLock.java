package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;

/// A sign of life in shared memory that the kernel itself takes down.
///
/// It is a robust, process-shared mutex of the C library, which one thread locks and holds for as
/// long as the process lives. Nobody ever waits for it; what counts is its first word. While the
/// mutex is held, that is the thread's number. When the process dies, however it dies, the kernel
/// walks the thread's list of robust mutexes and sets bit 30 of the word (0.1 ms after a kill -9).
/// When the process says goodbye, the thread unlocks and the word becomes 0.
///
/// The thread is a platform thread of its own, because the list belongs to a thread of the kernel
/// and dies with it, and because a mutex is unlocked by the thread that locked it.
public final class OwnerLock implements AutoCloseable {
  /// Room for a mutex: glibc and musl take 40 bytes on x86-64 and up to 48 on aarch64.
  public static final int BYTES = 64;

  /// Room for the attributes: 4 bytes on x86-64, 8 on aarch64.
  private static final int ATTRIBUTE_BYTES = 64;

  private static final int ALIGNMENT = 8;

  private final CountDownLatch goodbye = new CountDownLatch(1);
  private final Thread owner;

  private OwnerLock(MemorySegment mutex, CompletableFuture<Boolean> locked) {
    owner = Thread.ofPlatform().daemon().name("sealbuf-owner").start(() -> own(mutex, locked));
  }

  /// Makes a mutex at the beginning of zeroed shared memory, at least [#BYTES] long, and holds it
  /// until [#close]. The memory must stay mapped until then.
  public static OwnerLock hold(MemorySegment memory) throws IOException {
    MemorySegment mutex = memory.asSlice(0, BYTES, ALIGNMENT);
    try (Arena arena = Arena.ofConfined()) {
      Posix.mutexInit(mutex, arena.allocate(ATTRIBUTE_BYTES, ALIGNMENT));
    }
    CompletableFuture<Boolean> locked = new CompletableFuture<>();
    OwnerLock lock = new OwnerLock(mutex, locked);
    try {
      locked.get();
      return lock;
    } catch (ExecutionException e) {
      throw new IOException("the owner's mutex cannot be locked", e.getCause());
    } catch (InterruptedException e) {
      lock.close();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the owner's mutex was being locked", e);
    }
  }

  private void own(MemorySegment mutex, CompletableFuture<Boolean> locked) {
    try {
      Posix.mutexLock(mutex);
      locked.complete(true);
      goodbye.await();
      Posix.mutexUnlock(mutex);
    } catch (IOException | InterruptedException | RuntimeException e) {
      locked.completeExceptionally(e);
    }
  }

  /// Says goodbye: when this returns, the word is 0. Does nothing when this is closed already.
  @Override
  public void close() {
    goodbye.countDown();
    boolean interrupted = false;
    while (true) {
      try {
        owner.join();
        break;
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
