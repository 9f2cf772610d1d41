package dev.sealbuf.server.cli;

import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Setting;
import dev.sealbuf.server.host.ServiceManager;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
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
      running.change(next.capacity(), next.policy());
      for (Setting setting : Setting.values()) {
        Configuration before = setting.isLive() ? now : started;
        report(setting, before.given(setting).text(), next.given(setting).text());
      }
      now = next;
      LOG.info("configuration read anew");
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(problem -> LOG.error("configuration left as it was: {}", problem));
    } catch (IOException e) {
      LOG.error("configuration left as it was: {}", e.getMessage());
    }
  }

  private static void report(Setting setting, String before, String after) {
    if (before.equals(after)) {
      return;
    }
    if (setting.isLive()) {
      LOG.info("changed: {}={} before={}", setting.key(), after, before);
    } else {
      LOG.warn("needs another start: {}={} now={}", setting.key(), after, before);
    }
  }
}
