package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import com.github.dockerjava.api.command.InspectImageResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;

/// The image as such: what is in it, how it starts and ends.
@NeedsEngine
final class ImageTest {
  private static final long SIZE_MAX = 120_000_000;
  private static final Duration HEALTHY_MAX = Duration.ofSeconds(2);

  @Test
  void itIsSmallAndSaysWhatItIs() {
    InspectImageResponse image =
        DockerClientFactory.lazyClient()
            .inspectImageCmd(Images.named("sealbuf").asCanonicalNameString())
            .exec();
    assertThat(image.getSize()).isLessThanOrEqualTo(SIZE_MAX);
    assertThat(image.getConfig().getUser()).isEqualTo("10001:20000");
    assertThat(image.getConfig().getLabels())
        .containsEntry("org.opencontainers.image.version", version())
        .containsEntry("org.opencontainers.image.licenses", "Apache-2.0")
        .containsKeys("org.opencontainers.image.title", "org.opencontainers.image.revision");
  }

  private static String version() {
    return Command.sealbuf(1, 1, "version").run().output().strip().replace("sealbuf ", "");
  }

  /// The best of three starts: whatever else the machine does can only make one slower.
  @Test
  void itIsHealthyWithinTwoSecondsWithNothingWritableNoCapabilityAndNoNetwork() {
    List<Duration> starts = Stream.generate(ImageTest::startToHealthy).limit(3).sorted().toList();
    assertThat(starts.getFirst()).as("%s", starts).isLessThanOrEqualTo(HEALTHY_MAX);
  }

  private static Duration startToHealthy() {
    try (DaemonContainer daemon = new DaemonContainer()) {
      daemon.start();
      ContainerState state = daemon.inspect().getState();
      String healthy =
          state.getHealth().getLog().stream()
              .filter(probe -> probe.getExitCodeLong() == 0)
              .findFirst()
              .orElseThrow()
              .getEnd();
      return Duration.between(Instant.parse(state.getStartedAt()), Instant.parse(healthy));
    }
  }

  @Test
  void itsCacheIsInUse() throws Exception {
    try (DaemonContainer daemon = new DaemonContainer()) {
      daemon.start();
      assertThat(daemon.sealbuf("stat").output()).containsPattern("AOT cache +in use\\n");
    }
  }

  @Test
  void itEndsAtOnceWhenItIsStoppedAndLogsThreeLines() {
    try (DaemonContainer daemon = new DaemonContainer()) {
      daemon.start();
      daemon.stopGently(60);
      assertThat(daemon.inspect().getState().getExitCodeLong()).isZero();
      assertThat(daemon.getLogs().lines())
          .satisfiesExactlyInAnyOrder(
              line -> assertThat(line).contains(" starting: socket=/run/sealbuf/sealbuf.sock "),
              line -> assertThat(line).contains(" serving on /run/sealbuf/sealbuf.sock "),
              line -> assertThat(line).endsWith(" stopped"));
    }
  }

  @Test
  void theDoctorFindsAllThatTheDaemonNeeds() throws Exception {
    try (DaemonContainer daemon = new DaemonContainer()) {
      daemon.start();
      assertThat(daemon.sealbuf("doctor").output())
          .containsPattern("ok +seals ")
          .containsPattern("ok +holders ")
          .containsPattern("ok +dumpable ")
          .containsPattern("ok +daemon ");
    }
  }
}
