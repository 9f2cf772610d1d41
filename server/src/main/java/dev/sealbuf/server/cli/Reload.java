package dev.sealbuf.server.cli;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.host.ServiceManager;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What SIGHUP does: reads the configuration anew and changes what can be changed, with a line for
/// each change. A configuration with a mistake changes nothing.
///
/// A signal that comes while the daemon still starts waits for it. Called by one thread at a time.
final class Reload implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger("dev.sealbuf");

  private final CompletableFuture<Daemon> daemon;
  private final ServiceManager manager;
  private final ConfigurationOptions options;
  private final Configuration started;

  /// What holds: of a namespace that is not spoken of any more, what was said last.
  private final Map<Key, String> now = new LinkedHashMap<>();

  /// @param started what the daemon was started with
  Reload(
      CompletableFuture<Daemon> daemon,
      ServiceManager manager,
      ConfigurationOptions options,
      Configuration started) {
    this.daemon = daemon;
    this.manager = manager;
    this.options = options;
    this.started = started;
    started.keys().forEach(key -> now.put(key, started.given(key).text()));
  }

  @Override
  public synchronized void run() {
    try {
      Daemon running = daemon.join();
      manager.reloading();
      try {
        change(running);
      } finally {
        manager.ready("serving on " + started.socket());
      }
    } catch (CompletionException | RejectedExecutionException _) {
      // It never began to serve, or does no more, and says so itself.
    }
  }

  private void change(Daemon running) {
    try {
      Configuration next = options.load();
      running.change(next);
      report(false, "namespaces", names(started), names(next));
      next.keys().stream().filter(now::containsKey).forEach(key -> take(next.given(key)));
      LOG.info("configuration read anew");
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(problem -> LOG.error("configuration left as it was: {}", problem));
    } catch (IOException e) {
      LOG.error("configuration left as it was: {}", e.getMessage());
    }
  }

  private static String names(Configuration configuration) {
    return configuration.keys().stream()
        .map(Key::namespace)
        .filter(name -> !name.isEmpty())
        .distinct()
        .collect(Collectors.joining(","));
  }

  private void take(Given next) {
    Key key = next.key();
    boolean live = key.setting().isLive();
    report(live, key.path(), requireNonNull(now.get(key)), next.text());
    if (live) {
      now.put(key, next.text());
    }
  }

  private static void report(boolean live, String path, String before, String after) {
    if (before.equals(after)) {
      return;
    }
    if (live) {
      LOG.info("changed: {}={} before={}", path, after, before);
    } else {
      LOG.warn("needs another start: {}={} now={}", path, after, before);
    }
  }
}
