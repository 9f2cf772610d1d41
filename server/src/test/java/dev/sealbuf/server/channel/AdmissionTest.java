package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class AdmissionTest {
  private static final long MUCH_HEAP = 1L << 40;

  @Tag("shows-23")
  @Test
  void oneUidGetsThreeQuartersOfTheSessionsAndNoMore() {
    Admission admission =
        new Admission(16, MUCH_HEAP, AdmissionTest::none); // 12 sessions, 9 of one uid
    for (int session = 0; session < 9; session++) {
      assertThat(admission.enter(1)).isEmpty();
    }
    assertThat(admission.enter(1)).contains("too many sessions of one uid: uid=1 sessions=9 max=9");
    assertThat(admission.enter(2)).isEmpty();
  }

  @Test
  void theSumIsBoundedByDescriptors() {
    Admission admission = new Admission(16, MUCH_HEAP, AdmissionTest::none);
    for (int uid = 0; uid < 12; uid++) {
      assertThat(admission.enter(uid)).isEmpty();
    }
    assertThat(admission.enter(99))
        .contains("too many sessions: sessions=12 descriptors=12 max=12");
  }

  @Test
  void theirProcessesCountToo() {
    Admission admission = new Admission(16, MUCH_HEAP, () -> 5);
    assertThat(fill(admission)).isEqualTo(7);
    assertThat(admission.enter(99)).contains("too many sessions: sessions=7 descriptors=12 max=12");
  }

  @Test
  void theSumIsBoundedByHeap() {
    Admission admission = new Admission(1 << 20, 12L << 20, AdmissionTest::none);
    assertThat(fill(admission)).isEqualTo(1024);
    assertThat(admission.enter(9999))
        .contains("too many sessions for the heap: sessions=1024 bytes=12582912 max=12582912");
  }

  /// The heap of the launcher, and as many descriptors as it takes.
  @Test
  void tenThousandWithAProcessEachFit() {
    AtomicInteger processes = new AtomicInteger();
    Admission admission = new Admission(1 << 20, 128L << 20, processes::get);
    for (int client = 0; client < 10_000; client++) {
      assertThat(admission.enter(client % 2)).isEmpty();
      processes.incrementAndGet();
    }
  }

  @Test
  void processesTakeOfTheHeapWhatTheyCost() {
    int processes = 24 * 1024; // 12 MiB
    Admission admission = new Admission(1 << 20, 24L << 20, () -> processes);
    assertThat(fill(admission)).isEqualTo(1024);
  }

  @Test
  void whoLeavesMakesRoom() {
    Admission admission = new Admission(4, MUCH_HEAP, AdmissionTest::none);
    fill(admission);
    admission.leave(0);
    assertThat(admission.enter(7)).isEmpty();
    assertThat(admission.sessions()).isEqualTo(3);
  }

  @Test
  void evenTheSmallestDaemonTakesOneClient() {
    Admission admission = new Admission(0, 0, AdmissionTest::none);
    assertThat(admission.enter(1)).isEmpty();
    assertThat(admission.enter(2)).contains("too many sessions: sessions=1 descriptors=1 max=1");
  }

  private static int none() {
    return 0;
  }

  private static int fill(Admission admission) {
    int uid = 0;
    for (Optional<String> full = Optional.empty(); full.isEmpty(); uid++) {
      full = admission.enter(uid);
    }
    return uid - 1;
  }
}
