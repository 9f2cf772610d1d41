package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.testcontainers.utility.DockerImageName;

/// The images of `deploy/Dockerfile`, built once, by the script that users build them with, from
/// the distribution that `make build` left.
final class Images {
  static final Path PROJECT = Path.of("").toAbsolutePath().getParent();

  private static final boolean BUILT = build();

  private Images() {}

  /// `sealbuf`, `sealbuf-producer` or `sealbuf-worker`.
  static DockerImageName named(String name) {
    assertThat(BUILT).isTrue();
    return DockerImageName.parse(name);
  }

  private static boolean build() {
    Finished image = Command.of("scripts/image").in(PROJECT).run();
    assertThat(image.status()).as("%s", image.output()).isZero();
    return true;
  }
}
