package dev.sealbuf.server.cli;

import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.host.ServiceManager;
import dev.sealbuf.server.namespace.NamespaceConfig;
import java.io.IOException;
import java.util.List;
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
  private Configuration now;

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
    this.now = started;
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
      reportNamespaces(started.namespaces(), next.namespaces());
      for (Key key : started.keys()) {
        Configuration before = key.setting().isLive() ? now : started;
        if (next.keys().contains(key)) {
          report(key, before.given(key).text(), next.given(key).text());
        }
      }
      now = next;
      LOG.info("configuration read anew");
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(problem -> LOG.error("configuration left as it was: {}", problem));
    } catch (IOException e) {
      LOG.error("configuration left as it was: {}", e.getMessage());
    }
  }

  private static void reportNamespaces(List<NamespaceConfig> before, List<NamespaceConfig> after) {
    report(false, "namespaces", names(before), names(after));
  }

  private static String names(List<NamespaceConfig> namespaces) {
    return namespaces.stream().map(NamespaceConfig::name).collect(Collectors.joining(","));
  }

  private static void report(Key key, String before, String after) {
    report(key.setting().isLive(), key.path(), before, after);
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
