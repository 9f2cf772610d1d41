package dev.sealbuf.server.verify;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Has buffers read, and compares what was found with the ledger; some views are kept over
/// deletions and looked at again, and some are attacked.
final class Reader extends Seat {
  private static final int KEPT_MAX = 8;
  private static final int ATTACKS = 100;

  /// What a worker may answer when it finds a buffer.
  ///
  /// @param label what the buffer says of itself; empty for one of a batch
  private record Found(long nbytes, long crc32, String label, String attack) {
    static Found of(JsonNode answer) {
      return new Found(
          answer.path("nbytes").asLong(),
          answer.path("crc32").asLong(),
          answer.path("label").asString(),
          answer.path("attack").asString(""));
    }

    /// Whether that is the label's buffer, whole.
    boolean is(Label expected) {
      return nbytes == expected.nbytes()
          && crc32 == expected.crc32()
          && (label.isEmpty() || label.equals(expected.text()));
    }

    /// Whether its bytes are not those it was published as.
    boolean denies() {
      if (label.isEmpty()) {
        return false;
      }
      JsonNode said = Lines.parse(label);
      return said.path("nbytes").asLong() != nbytes || said.path("crc32").asLong() != crc32;
    }

    @Override
    public String toString() {
      return "nbytes=%d crc32=%08x label=%s%s"
          .formatted(nbytes, crc32, label, attack.isEmpty() ? "" : " attack=" + attack);
    }
  }

  private record Kept(Entry entry, Label label, long number) {}

  private final ArrayDeque<Kept> kept = new ArrayDeque<>();
  private volatile int holding;
  private long number;

  Reader(Run run, String title, List<String> command, SplittableRandom random) {
    super(run, title, command, random);
  }

  @Override
  boolean isOn(Run.Phase phase) {
    return phase == Run.Phase.RUN || phase == Run.Phase.SETTLE;
  }

  @Override
  void turn(Worker worker) throws WorkerEndedException {
    if (kept.size() >= KEPT_MAX || (once(10) && !kept.isEmpty())) {
      again(worker);
      return;
    }
    Optional<Entry> entry = once(20) ? ledger().anyGone() : ledger().any(random());
    if (entry.isPresent()) {
      read(worker, entry.get(), once(8));
    } else {
      idle();
    }
  }

  @Override
  void sweep(Worker worker) throws WorkerEndedException {
    for (Entry entry = next(); entry != null; entry = next()) {
      read(worker, entry, false);
    }
    while (!kept.isEmpty()) {
      again(worker);
    }
  }

  private @Nullable Entry next() {
    return run().phase() == Run.Phase.OVER ? null : run().sweep().poll();
  }

  @Override
  void vacated() {
    kept.clear();
    holding = 0;
  }

  @Override
  void killed(Tally tally) {
    tally.add(Tally.READERS);
    tally.add(Tally.HOLDING, holding > 0 ? 1 : 0);
  }

  private void read(Worker worker, Entry entry, boolean keep) throws WorkerEndedException {
    long since = ledger().now();
    boolean attack = once(ATTACKS);
    JsonNode answer =
        worker.ask(
            attack ? "attack" : "read",
            Map.of(
                "do", "read", "name", entry.name(), "keep", keep ? ++number : 0, "attack", attack));
    switch (answer.path("end").asString()) {
      case "found" -> {
        Found found = Found.of(answer);
        Optional<Label> label = judge(entry, since, found);
        count(found);
        if (keep && label.isPresent()) {
          kept.addLast(new Kept(entry, label.get(), number));
          holding = kept.size();
        }
      }
      case "absent" -> {
        if (!ledger().possible(entry, since).contains(Label.ABSENT)) {
          run().fault("a buffer is lost: expected=" + ledger().describe(entry));
        }
      }
      default -> {
        String code = answer.path("code").asString("");
        if (!code.equals("try_again")) {
          run().fault("a buffer cannot be read: name=%s found=%s".formatted(entry.name(), answer));
        }
        tally().refused(code);
      }
    }
  }

  /// The label of what was found, if it might be there.
  private Optional<Label> judge(Entry entry, long since, Found found) {
    List<Label> possible = ledger().possible(entry, since);
    if (found.denies()) {
      run()
          .fault(
              "the bytes are not those that were sealed: name=%s found=%s expected=%s"
                  .formatted(entry.name(), found, possible));
      return Optional.empty();
    }
    Optional<Label> label =
        possible.stream().filter(each -> !each.equals(Label.ABSENT) && found.is(each)).findFirst();
    if (label.isEmpty()) {
      run()
          .fault(
              "something else was found: name=%s found=%s expected=%s"
                  .formatted(entry.name(), found, ledger().describe(entry)));
    }
    return label;
  }

  private void count(Found found) {
    tally().add(Tally.COMPARED);
    tally().add(Tally.BYTES, found.nbytes());
    if (found.attack().equals("refused")) {
      tally().add(Tally.WRITES);
    } else if (!found.attack().isEmpty()) {
      run().fault("a write to a sealed buffer was not refused: %s".formatted(found));
    }
  }

  /// Looks at the oldest kept view, and lets it go.
  private void again(Worker worker) throws WorkerEndedException {
    Kept view = kept.removeFirst();
    JsonNode answer = worker.ask("read again", Map.of("do", "again", "keep", view.number()));
    holding = kept.size();
    Found found = Found.of(answer);
    if (!answer.path("end").asString().equals("found") || !found.is(view.label())) {
      run()
          .fault(
              "a view does not show what it did: name=%s found=%s expected=%s"
                  .formatted(view.entry().name(), answer, view.label()));
      return;
    }
    count(found);
    if (ledger().isOver(view.entry(), view.label())) {
      tally().add(Tally.AGAIN);
    }
  }
}
