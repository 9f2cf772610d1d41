package dev.sealbuf.testing;

import dev.sealbuf.memory.Mapping;
import java.io.IOException;
import java.nio.channels.Pipe;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/// Fails a test that leaves behind a descriptor, a mapping or a thread of this project.
///
/// It compares `/proc/self/fd`, the number of live mappings and the threads called `sealbuf-...`
/// before and after. Files with a path (jars, class files) are the JVM's business and not compared.
/// What ends by garbage collection or on another thread gets a moment.
public final class LeakCheck implements BeforeEachCallback, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(LeakCheck.class);
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final long PATIENCE = Duration.ofSeconds(5).toNanos();
  private static final long PAUSE = Duration.ofMillis(10).toNanos();

  private record Snapshot(Set<String> descriptors, int mappings, Set<String> threads) {
    static Snapshot take() throws IOException {
      return new Snapshot(openDescriptors(), Mapping.live(), ownThreads());
    }

    List<String> leftSince(Snapshot before) {
      List<String> left = new ArrayList<>();
      descriptors.stream().filter(fd -> !before.descriptors.contains(fd)).forEach(left::add);
      threads.stream().filter(thread -> !before.threads.contains(thread)).forEach(left::add);
      if (mappings > before.mappings) {
        left.add("mappings=" + (mappings - before.mappings));
      }
      return left;
    }
  }

  public LeakCheck() throws IOException {
    // The JDK keeps a socket of its own from the first channel that is closed.
    Pipe pipe = Pipe.open();
    pipe.sink().close();
    pipe.source().close();
  }

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    context.getStore(NAMESPACE).put("before", Snapshot.take());
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException {
    Snapshot before = context.getStore(NAMESPACE).get("before", Snapshot.class);
    long deadline = System.nanoTime() + PATIENCE;
    List<String> left = Snapshot.take().leftSince(before);
    while (!left.isEmpty() && System.nanoTime() < deadline) {
      System.gc();
      LockSupport.parkNanos(PAUSE);
      left = Snapshot.take().leftSince(before);
    }
    if (!left.isEmpty()) {
      throw new AssertionError("left open by " + context.getDisplayName() + ": " + left);
    }
  }

  private static Set<String> openDescriptors() throws IOException {
    Set<String> open = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path entry : entries) {
        String target = target(entry);
        if (target.contains(":")) { // memfd:name, socket:[inode], pipe:[inode], anon_inode:...
          open.add(entry.getFileName() + " -> " + target);
        }
      }
    }
    return open;
  }

  private static String target(Path entry) {
    try {
      return Files.readSymbolicLink(entry).toString();
    } catch (IOException _) {
      return ""; // closed since the directory was read
    }
  }

  private static Set<String> ownThreads() {
    Set<String> threads = new TreeSet<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("sealbuf-")) {
        threads.add("thread " + thread.getName() + "#" + thread.threadId());
      }
    }
    return threads;
  }
}
