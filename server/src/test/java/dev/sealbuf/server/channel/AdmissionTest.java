package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class AdmissionTest {
  private static final long MUCH_HEAP = 1L << 40;

  @Tag("shows-23")
  @Test
  void oneUidGetsThreeQuartersOfTheSessionsAndNoMore() {
    Admission admission = new Admission(16, MUCH_HEAP, new Counted()); // 12 sessions, 9 of one uid
    for (int session = 0; session < 9; session++) {
      assertThat(admission.enter(1)).isEmpty();
    }
    assertThat(admission.enter(1))
        .contains("too many sessions of one uid: uid=1 sessions=9 descriptors=9 max=9");
    assertThat(admission.enter(2)).isEmpty();
  }

  @Test
  void theSumIsBoundedByDescriptors() {
    Admission admission = new Admission(16, MUCH_HEAP, new Counted());
    for (int uid = 0; uid < 12; uid++) {
      assertThat(admission.enter(uid)).isEmpty();
    }
    assertThat(admission.enter(99))
        .contains("too many sessions: sessions=12 descriptors=12 max=12");
  }

  @Test
  void theirProcessesCountToo() {
    Admission admission = new Admission(16, MUCH_HEAP, counted(5));
    assertThat(fill(admission)).isEqualTo(7);
    assertThat(admission.enter(99)).contains("too many sessions: sessions=7 descriptors=12 max=12");
  }

  @Test
  void theSumIsBoundedByHeap() {
    Admission admission = new Admission(1 << 20, 12L << 20, new Counted());
    assertThat(fill(admission)).isEqualTo(1024);
    assertThat(admission.enter(9999))
        .contains("too many sessions: sessions=1024 heap=12582912 max=12582912");
  }

  /// The heap of the launcher, and as many descriptors as it takes.
  @Test
  void tenThousandWithAProcessEachFit() {
    Counted processes = new Counted();
    Admission admission = new Admission(1 << 20, 128L << 20, processes);
    for (int client = 0; client < 10_000; client++) {
      int uid = client % 2;
      assertThat(admission.enter(uid)).isEmpty();
      processes.ofUid.merge(uid, 1, Integer::sum);
    }
  }

  @Test
  void processesTakeOfTheHeapWhatTheyCost() {
    Counted processes = counted(24 * 1024); // 12 MiB
    Admission admission = new Admission(1 << 20, 24L << 20, processes);
    assertThat(fill(admission)).isEqualTo(1024);
  }

  @Test
  void whoLeavesMakesRoom() {
    Admission admission = new Admission(4, MUCH_HEAP, new Counted());
    fill(admission);
    admission.leave(0);
    assertThat(admission.enter(7)).isEmpty();
    assertThat(admission.sessions()).isEqualTo(3);
  }

  @Test
  void evenTheSmallestDaemonTakesOneClient() {
    Admission admission = new Admission(0, 0, new Counted());
    assertThat(admission.enter(1)).isEmpty();
    assertThat(admission.enter(2)).contains("too many sessions: sessions=1 descriptors=1 max=1");
  }

  /// With a process for each session.
  @Test
  void oneUidGetsThreeQuartersOfTheDescriptorsAndNoMore() {
    Counted processes = new Counted();
    Admission admission = new Admission(32, MUCH_HEAP, processes); // 24, 18 of one uid
    for (int session = 0; session < 9; session++) {
      assertThat(admission.enter(1)).isEmpty();
      processes.ofUid.merge(1, 1, Integer::sum);
    }
    assertThat(admission.enter(1))
        .contains("too many sessions of one uid: uid=1 sessions=9 descriptors=18 max=18");
    assertThat(admission.enter(2)).isEmpty();
  }

  private static final class Counted implements Admission.Processes {
    final Map<Integer, Integer> ofUid = new HashMap<>();

    @Override
    public int count() {
      return ofUid.values().stream().mapToInt(Integer::intValue).sum();
    }

    @Override
    public int count(int uid) {
      return ofUid.getOrDefault(uid, 0);
    }
  }

  private static Counted counted(int processes) {
    Counted some = new Counted();
    some.ofUid.put(-1, processes);
    return some;
  }

  private static int fill(Admission admission) {
    int uid = 0;
    for (Optional<String> full = Optional.empty(); full.isEmpty(); uid++) {
      full = admission.enter(uid);
    }
    return uid - 1;
  }
}
