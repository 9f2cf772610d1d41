package dev.sealbuf.server.container;

import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/// The daemon as the README starts it: nothing but the socket's folder is writable or shared.
final class DaemonContainer extends GenericContainer<DaemonContainer> {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// With an anonymous volume for the socket, as the image declares it.
  DaemonContainer() {
    super(Images.named("sealbuf"));
    withImagePullPolicy(image -> false);
    withNetworkMode("none");
    withCreateContainerCmdModifier(command -> confine(command.getHostConfig()));
    waitingFor(Wait.forHealthcheck().withStartupTimeout(PATIENCE));
  }

  DaemonContainer(Path folder) {
    this();
    withFileSystemBind(folder.toString(), "/run/sealbuf", BindMode.READ_WRITE);
  }

  /// Limits the memory of the container, as `--memory` does.
  DaemonContainer withMemory(long bytes) {
    return withCreateContainerCmdModifier(command -> limit(command.getHostConfig(), bytes));
  }

  static void confine(HostConfig config) {
    config
        .withReadonlyRootfs(true)
        .withCapDrop(Capability.ALL)
        .withSecurityOpts(List.of("no-new-privileges"));
  }

  static void limit(HostConfig config, long bytes) {
    config.withMemory(bytes).withMemorySwap(bytes);
  }

  /// `docker exec sealbuf sealbuf ...`.
  Finished sealbuf(String... arguments) throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = "sealbuf";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    ExecResult result = execInContainer(command);
    return new Finished(result.getExitCode(), result.getStdout() + result.getStderr());
  }

  InspectContainerResponse inspect() {
    return getDockerClient().inspectContainerCmd(getContainerId()).exec();
  }

  /// As `docker kill` or `docker stop` from outside; Testcontainers' own stop removes it.
  void kill() {
    getDockerClient().killContainerCmd(getContainerId()).exec();
    awaitEnd();
  }

  void stopGently(int seconds) {
    getDockerClient().stopContainerCmd(getContainerId()).withTimeout(seconds).exec();
    awaitEnd();
  }

  private void awaitEnd() {
    getDockerClient().waitContainerCmd(getContainerId()).start().awaitStatusCode();
  }

  void startAgain() {
    getDockerClient().startContainerCmd(getContainerId()).exec();
    Wait.forHealthcheck().withStartupTimeout(PATIENCE).waitUntilReady(this);
  }
}
