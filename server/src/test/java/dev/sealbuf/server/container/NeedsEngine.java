package dev.sealbuf.server.container;

import dev.sealbuf.memory.PeerCredentials;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.testcontainers.DockerClientFactory;

/// Tests that need a Docker engine, and root, which starts clients of other uids. They run after
/// all others, as a stage of their own of `make test`.
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("container")
@Timeout(400)
@ExtendWith(NeedsEngine.Condition.class)
@interface NeedsEngine {
  /// Says why, where it does not hold.
  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if (PeerCredentials.ownUid() != 0) {
        return ConditionEvaluationResult.disabled("needs root, to start clients of other uids");
      }
      return DockerClientFactory.instance().isDockerAvailable()
          ? ConditionEvaluationResult.enabled("an engine answers")
          : ConditionEvaluationResult.disabled(
              "needs a Docker engine: none answers at $DOCKER_HOST or its default");
    }
  }
}
