package dev.sealbuf.server.segment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class WorkersTest {
  @Test
  void resultsComeBackOnTheLoop() throws ExecutionException, InterruptedException {
    List<String> threads = new ArrayList<>();
    try (ExecutorService loop =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().name("the-loop").factory())) {
      Workers workers = new Workers(loop);
      loop.submit(() ->
              workers.call(
                  () -> Thread.currentThread().getName(),
                  worker -> {
                    threads.add(worker);
                    threads.add(Thread.currentThread().getName());
                  },
                  _ -> {}))
          .get();
      while (loop.submit(threads::size).get() == 0) {
        Thread.onSpinWait();
      }
      loop.submit(workers::close).get();
    }
    assertThat(threads).containsExactly("sealbuf-worker-1", "the-loop");
  }

  @Test
  void closeWaitsForWhatIsDelayedAndForWhatItsResultsGiveIn() {
    List<String> done = new ArrayList<>();
    Workers workers =
        new Workers(_ -> {
          throw new RejectedExecutionException("the loop has ended");
        });
    workers.callLater(
        50,
        () -> "first",
        first -> {
          done.add(first);
          workers.call(() -> "second", done::add, _ -> {});
        },
        _ -> {});

    workers.close();

    assertThat(done).containsExactly("first", "second");
  }

  @Test
  void whatFailsIsToldWhy() {
    List<String> told = new ArrayList<>();
    Workers workers = new Workers(_ -> {});
    workers.call(
        () -> {
          throw new IOException("no");
        },
        _ -> told.add("done"),
        failure -> told.add(failure.getMessage()));
    workers.call(
        () -> {
          throw new AssertionError("an error too");
        },
        _ -> told.add("done"),
        failure -> told.add(failure.getMessage()));

    workers.close();

    assertThat(told).containsExactlyInAnyOrder("no", "an error too");
  }
}
