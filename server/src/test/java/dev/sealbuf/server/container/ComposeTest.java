package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ComposeContainer;

/// `docker-compose.yml`, by Testcontainers; [ReadmeTest] runs it by the README's commands.
@NeedsEngine
final class ComposeTest {
  private static final long DEFAULT_SHM = 64 << 20;
  private static final String PROJECT = "sealbuf-test-";
  private static final List<String> SERVICES =
      List.of("daemon", "producer", "worker-1", "worker-2", "worker-3");

  @Test
  void theServicesAreOfDifferentUidsAndShareNothingButTheSocket() {
    Images.named("sealbuf");
    try (ComposeContainer compose =
        new ComposeContainer(PROJECT, Images.PROJECT.resolve("docker-compose.yml").toFile())
            .withPull(false)) {
      compose.start();
      List<InspectContainerResponse> containers = containers();
      assertThat(containers).hasSameSizeAs(SERVICES);
      containers.forEach(ComposeTest::assertConfined);
      assertThat(containers.stream().map(each -> each.getConfig().getUser()))
          .doesNotHaveDuplicates();
      assertThat(containers.stream().flatMap(each -> each.getMounts().stream()))
          .hasSameSizeAs(SERVICES)
          .extracting(mount -> String.valueOf(mount.getDestination()))
          .containsOnly("/run/sealbuf");
    }
  }

  private static List<InspectContainerResponse> containers() {
    DockerClient client = DockerClientFactory.lazyClient();
    return client.listContainersCmd().withShowAll(true).exec().stream()
        .filter(each -> each.getNames()[0].startsWith("/" + PROJECT))
        .map(each -> client.inspectContainerCmd(each.getId()).exec())
        .toList();
  }

  private static void assertConfined(InspectContainerResponse container) {
    HostConfig config = container.getHostConfig();
    assertThat(config.getReadonlyRootfs()).isTrue();
    assertThat(config.getNetworkMode()).isEqualTo("none");
    assertThat(config.getCapDrop()).containsExactly(Capability.ALL);
    assertThat(config.getSecurityOpts()).containsExactly("no-new-privileges:true");
    assertThat(config.getShmSize()).isEqualTo(DEFAULT_SHM);
    assertThat(config.getIpcMode()).isEqualTo("private");
    assertThat(config.getMemory()).isPositive();
  }
}
