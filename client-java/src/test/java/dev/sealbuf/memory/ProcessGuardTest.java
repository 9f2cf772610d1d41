package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class ProcessGuardTest {
  @Test
  void aHiddenProcessStillReopensItsOwnFiles() throws IOException {
    try (ChildJvm child = ChildJvm.start(Hidden.class)) {
      assertThat(child.readRest()).isEqualTo("hidden=false\nhidden=true\nreopened\n");
      assertThat(child.exitCode()).isZero();
    }
  }

  /// Hides, and does afterwards what a daemon does for every buffer.
  static final class Hidden {
    private Hidden() {}

    public static void main(String[] arguments) throws IOException {
      IO.println("hidden=" + ProcessGuard.isHidden());
      ProcessGuard.hide();
      IO.println("hidden=" + ProcessGuard.isHidden());
      try (Fd fd = Memfd.create("guard-test");
          Fd _ = Memfd.reopenReadOnly(fd)) {
        IO.println("reopened");
      }
    }
  }

  @Test
  void theLimitOfOpenFilesIsKnown() throws IOException {
    assertThat(ResourceLimits.openFiles()).isGreaterThan(100);
  }
}
