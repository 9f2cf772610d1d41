package dev.sealbuf.server.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;

/// Has buffers published, replaced and deleted.
final class Producer extends Seat {
  /// What a daemon without room, or with enough of this client, may say.
  private static final Set<String> REFUSALS =
      Set.of("store_full", "quota_exceeded", "try_again", "too_many_mappings");

  private static final int BATCH_MAX = 16;
  private static final long SMALL = 64 << 10;
  private static final long PUT_MAX = 2 << 20;
  private static final int HOARDS = 300;
  private static final int OVERSIZES = 100;

  Producer(Run run, String title, List<String> command, SplittableRandom random) {
    super(run, title, command, random);
  }

  @Override
  boolean isOn(Run.Phase phase) {
    return phase == Run.Phase.RUN;
  }

  @Override
  void turn(Worker worker) throws WorkerEndedException {
    if (once(HOARDS)) {
      hoard(worker);
    } else if (run().overfills() && once(OVERSIZES)) {
      oversize(worker);
    } else if (run().isFlooded()) {
      flood(worker);
    } else if (!run().hasRoom() || once(5)) {
      delete(worker);
    } else if (once(5)) {
      replace(worker);
    } else if (once(4)) {
      batch(worker);
    } else {
      publish(worker, ledger().add(run().newName()), false);
    }
  }

  @Override
  void sweep(Worker worker) {
    // Nothing is changed any more.
  }

  @Override
  void vacated() {
    // A producer has nothing but what it is doing.
  }

  @Override
  void killed(Tally tally) {
    tally.add(Tally.PRODUCERS);
  }

  private void replace(Worker worker) throws WorkerEndedException {
    Optional<Entry> taken = ledger().take(random());
    if (taken.isEmpty()) {
      return;
    }
    if (taken.get().doubtful()) {
      delete(worker, taken.get());
    } else {
      publish(worker, taken.get(), true);
    }
  }

  private void publish(Worker worker, Entry entry, boolean replace) throws WorkerEndedException {
    Label label = label(entry, run().largest());
    boolean put = label.nbytes() <= PUT_MAX && once(2);
    change(worker, put ? "put" : "create", Map.of("replace", replace), Map.of(entry, label));
  }

  /// One of the largest buffers, whether there is room or not.
  private void flood(Worker worker) throws WorkerEndedException {
    Entry entry = ledger().add(run().newName());
    Label label =
        Label.of(entry.name(), random().nextLong(), run().largest() - random().nextInt(9));
    change(worker, "create", Map.of("replace", false), Map.of(entry, label));
  }

  /// A buffer as large as the whole store.
  private void oversize(Worker worker) throws WorkerEndedException {
    Entry entry = ledger().add(run().newName());
    Label label = Label.of(entry.name(), random().nextLong(), run().capacity());
    if (change(worker, "create", Map.of("replace", false), Map.of(entry, label))) {
      run()
          .fault(
              "a buffer as large as the store was published: expected=store_full found=" + label);
    }
  }

  private void batch(Worker worker) throws WorkerEndedException {
    Map<Entry, Label> changes = new LinkedHashMap<>();
    int count = 1 + random().nextInt(BATCH_MAX);
    for (int i = 0; i < count; i++) {
      Entry entry = ledger().add(run().newName());
      changes.put(entry, label(entry, SMALL));
    }
    change(worker, "put_many", Map.of(), changes);
  }

  private void delete(Worker worker) throws WorkerEndedException {
    Optional<Entry> taken = ledger().take(random());
    if (taken.isPresent()) {
      delete(worker, taken.get());
    } else {
      idle();
    }
  }

  private void delete(Worker worker, Entry entry) throws WorkerEndedException {
    boolean mayBeAbsent = ledger().mayBeAbsent(entry);
    ledger().begin(entry, Label.ABSENT);
    JsonNode answer =
        ask(worker, "delete", Map.of("name", entry.name()), Map.of(entry, Label.ABSENT));
    String end = answer.path("end").asString();
    if (end.equals("done") || (end.equals("absent") && mayBeAbsent)) {
      ledger().done(entry, Label.ABSENT);
      tally().add(Tally.DELETED);
    } else {
      run()
          .fault(
              "a buffer could not be deleted: expected=%s found=%s"
                  .formatted(ledger().describe(entry), answer));
    }
  }

  /// From 0 bytes to `max`, each order of magnitude as often as the others.
  private Label label(Entry entry, long max) {
    long nbytes = (long) Math.exp(random().nextDouble() * Math.log(max + 1.0)) - 1;
    return Label.of(entry.name(), random().nextLong(), nbytes);
  }

  /// Whether it was published.
  private boolean change(
      Worker worker, String how, Map<String, Object> fields, Map<Entry, Label> changes)
      throws WorkerEndedException {
    changes.forEach(ledger()::begin);
    Map<String, Object> command = new LinkedHashMap<>(fields);
    command.put("buffers", changes.values().stream().map(Label::order).toList());
    JsonNode answer = ask(worker, how, command, changes);
    if (answer.path("end").asString().equals("done")) {
      changes.forEach(ledger()::done);
      tally().add(Tally.SEALED, changes.size());
      return true;
    }
    if (isRefusal(answer)) {
      changes.forEach(ledger()::refused);
      tally().refused(answer.path("code").asString());
    } else {
      List<String> expected = new ArrayList<>();
      changes.keySet().forEach(entry -> expected.add(ledger().describe(entry)));
      run()
          .fault(
              "a buffer could not be published: how=%s expected=%s found=%s"
                  .formatted(how, expected, answer));
    }
    return false;
  }

  private static boolean isRefusal(JsonNode answer) {
    return answer.path("end").asString().equals("refused")
        && REFUSALS.contains(answer.path("code").asString());
  }

  private JsonNode ask(
      Worker worker, String how, Map<String, Object> fields, Map<Entry, Label> changes)
      throws WorkerEndedException {
    Map<String, Object> command = new LinkedHashMap<>();
    command.put("do", how);
    command.putAll(fields);
    try {
      return worker.ask(how, command);
    } catch (WorkerEndedException e) {
      changes.keySet().forEach(ledger()::unanswered);
      throw e;
    }
  }

  /// More unfinished buffers than a session may have. What it got goes back at once.
  private void hoard(Worker worker) throws WorkerEndedException {
    JsonNode answer = ask(worker, "hoard", Map.of(), Map.of());
    if (isRefusal(answer)) {
      tally().refused(answer.path("code").asString());
    } else {
      run().fault("a session may have any number of unfinished buffers: found=" + answer);
    }
  }
}
