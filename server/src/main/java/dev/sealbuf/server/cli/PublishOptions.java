package dev.sealbuf.server.cli;

import dev.sealbuf.client.PutOptions;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The options of publishing.
final class PublishOptions {
  @Option(names = "--replace", description = "Take the place of what has the name.")
  private boolean replace;

  @Option(
      names = "--ttl",
      paramLabel = "TIME",
      converter = TimeToLive.class,
      description = "Delete it by itself after 500ms, 90s, 10m, 2h, 1d.")
  private @Nullable Duration ttl;

  @Option(
      names = "--timeout",
      paramLabel = "S",
      converter = Seconds.class,
      description = "Wait so many seconds for room in a full store.")
  private @Nullable Duration timeout;

  PutOptions get() {
    PutOptions options = replace ? PutOptions.NONE.replacing() : PutOptions.NONE;
    options = ttl == null ? options : options.withTtl(ttl);
    return timeout == null ? options : options.withTimeout(timeout);
  }
}
