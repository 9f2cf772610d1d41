package dev.sealbuf.server.cli;

import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Setting;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What SIGHUP does: reads the configuration anew and changes what can be changed, with a line for
/// each change. A configuration with a mistake changes nothing.
///
/// Called by one thread at a time.
final class Reload implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger("dev.sealbuf");

  private final Daemon daemon;
  private final ConfigurationOptions options;
  private Configuration now;

  Reload(Daemon daemon, ConfigurationOptions options, Configuration now) {
    this.daemon = daemon;
    this.options = options;
    this.now = now;
  }

  @Override
  public synchronized void run() {
    try {
      Configuration next = options.load();
      daemon.change(next.capacity(), next.policy());
      for (Setting setting : Setting.values()) {
        report(setting, now.given(setting).text(), next.given(setting).text());
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
