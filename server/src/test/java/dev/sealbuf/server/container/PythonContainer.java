package dev.sealbuf.server.container;

import com.github.dockerjava.api.DockerClient;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.output.WaitingConsumer;
import org.testcontainers.containers.startupcheck.StartupCheckStrategy;

/// A Python program in a container of its own, which shares the socket's folder with the daemon and
/// nothing else.
final class PythonContainer extends GenericContainer<PythonContainer> {
  private static final int PATIENCE_SECONDS = 120;

  private final WaitingConsumer lines = new WaitingConsumer();

  /// @param user `uid:gid`
  PythonContainer(Path folder, String user, String program) {
    super(Images.named("sealbuf-worker"));
    withImagePullPolicy(image -> false);
    withNetworkMode("none");
    withFileSystemBind(folder.toString(), "/run/sealbuf", BindMode.READ_ONLY);
    withCreateContainerCmdModifier(command -> {
      DaemonContainer.confine(command.getHostConfig());
      command.withUser(user).withEntrypoint("python3", "-c", program);
    });
    withLogConsumer(lines);
    withStartupCheckStrategy(new Begun());
  }

  /// A program may be over before anybody looks, with any status.
  private static final class Begun extends StartupCheckStrategy {
    @Override
    public StartupStatus checkStartupState(DockerClient client, String container) {
      return StartupStatus.SUCCESSFUL;
    }
  }

  PythonContainer withMemory(long bytes) {
    return withCreateContainerCmdModifier(
        command -> DaemonContainer.limit(command.getHostConfig(), bytes));
  }

  void awaitLine(String text) throws Exception {
    lines.waitUntil(
        frame -> frame.getUtf8String().contains(text), PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /// Waits for its end.
  Finished finish() {
    int status =
        getDockerClient()
            .waitContainerCmd(getContainerId())
            .start()
            .awaitStatusCode(PATIENCE_SECONDS, TimeUnit.SECONDS);
    return new Finished(status, getLogs());
  }

  /// Starts it, waits for its end and removes it.
  static Finished run(Path folder, String user, String program) {
    try (PythonContainer container = new PythonContainer(folder, user, program)) {
      container.start();
      return container.finish();
    }
  }
}
