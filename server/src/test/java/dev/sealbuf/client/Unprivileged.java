package dev.sealbuf.client;

import dev.sealbuf.memory.PeerCredentials;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/// Runs the tests of a class under a plain uid without capabilities, whoever runs the build.
///
/// When this process is root's, each test method runs in an [Agent], a JVM of another uid, and its
/// outcome is reported here; otherwise it runs as usual. Test classes keep to what the agent knows:
/// methods without parameters, `@BeforeEach` and `@AfterEach`.
final class Unprivileged implements InvocationInterceptor, BeforeAllCallback, AfterAllCallback {
  private static final String UID = "20003";
  private static final long TEST_SECONDS = 120;
  private static final ExtensionContext.Namespace NAMESPACE =
      ExtensionContext.Namespace.create(Unprivileged.class);

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    if (PeerCredentials.ownUid() == 0) {
      List<String> command = new ArrayList<>(List.of("setpriv", "--reuid=" + UID));
      command.addAll(List.of("--regid=" + UID, "--clear-groups", "--bounding-set=-all"));
      command.addAll(List.of("--inh-caps=-all", "--no-new-privs"));
      command.addAll(Jvm.command(Agent.class));
      Process agent =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      context.getStore(NAMESPACE).put(Process.class, agent);
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws Exception {
    Process agent = context.getStore(NAMESPACE).remove(Process.class, Process.class);
    if (agent != null) {
      agent.getOutputStream().close();
      if (!agent.waitFor(TEST_SECONDS, TimeUnit.SECONDS)) {
        agent.destroyForcibly();
      }
    }
  }

  @Override
  public void interceptBeforeEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedUnlessRoot(invocation, context);
  }

  @Override
  public void interceptAfterEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceedUnlessRoot(invocation, context);
  }

  private static void proceedUnlessRoot(Invocation<Void> invocation, ExtensionContext context)
      throws Throwable {
    if (context.getStore(NAMESPACE).get(Process.class) == null) {
      invocation.proceed();
    } else {
      invocation.skip();
    }
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    Process agent = context.getStore(NAMESPACE).get(Process.class, Process.class);
    if (agent == null) {
      invocation.proceed();
      return;
    }
    invocation.skip();
    Writer in = agent.outputWriter(StandardCharsets.UTF_8);
    in.write(method.getTargetClass().getName() + " " + method.getExecutable().getName() + "\n");
    in.flush();
    String outcome = readOutcome(agent.inputReader(StandardCharsets.UTF_8));
    if (outcome.startsWith(TestAbortedException.class.getName())) {
      throw new TestAbortedException(outcome.lines().findFirst().orElseThrow());
    }
    if (!outcome.isEmpty()) {
      throw new AssertionError(outcome);
    }
  }

  /// On a thread of its own: a read from a pipe cannot be interrupted.
  private static String readOutcome(BufferedReader out) throws Exception {
    CompletableFuture<String> outcome = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            StringBuilder text = new StringBuilder();
            for (String line = out.readLine(); !Agent.END.equals(line); line = out.readLine()) {
              text.append(line == null ? "the agent ended" : line).append('\n');
              if (line == null) {
                break;
              }
            }
            outcome.complete(text.toString());
          } catch (IOException e) {
            outcome.completeExceptionally(e);
          }
        });
    return outcome.get(TEST_SECONDS, TimeUnit.SECONDS);
  }
}
