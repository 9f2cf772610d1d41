package dev.sealbuf.server.verify;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;

/// What has been counted. The names are the fields of `--json`.
final class Tally {
  static final String SEALED = "sealed";
  static final String DELETED = "deleted";
  static final String COMPARED = "compared";
  static final String BYTES = "compared_bytes";
  static final String AGAIN = "compared_after_delete";
  static final String PRODUCERS = "killed_producers";
  static final String READERS = "killed_readers";
  static final String HOLDING = "killed_while_holding_views";
  static final String REFUSALS = "refusals";
  static final String WRITES = "refused_writes";
  static final String FAULTS = "faults";

  private final Map<String, LongAdder> counts = new LinkedHashMap<>();
  private final Map<String, LongAdder> killedWhile = new ConcurrentHashMap<>();
  private final Map<String, LongAdder> refusedWith = new ConcurrentHashMap<>();

  Tally() {
    for (String name :
        new String[] {
          SEALED, DELETED, COMPARED, BYTES, AGAIN, PRODUCERS, READERS, HOLDING, REFUSALS, WRITES,
          FAULTS
        }) {
      counts.put(name, new LongAdder());
    }
  }

  void add(String name, long number) {
    counter(name).add(number);
  }

  void add(String name) {
    add(name, 1);
  }

  long get(String name) {
    return counter(name).sum();
  }

  private LongAdder counter(String name) {
    LongAdder counter = counts.get(name);
    if (counter == null) {
      throw new IllegalArgumentException("no such count: name=" + name);
    }
    return counter;
  }

  void refused(String code) {
    add(REFUSALS);
    refusedWith.computeIfAbsent(code, _ -> new LongAdder()).increment();
  }

  void killedWhile(String doing) {
    killedWhile.computeIfAbsent(doing, _ -> new LongAdder()).increment();
  }

  Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    counts.forEach((name, count) -> fields.put(name, count.sum()));
    fields.put("refused_with", sums(refusedWith));
    fields.put("killed_while", sums(killedWhile));
    return fields;
  }

  private static Map<String, Long> sums(Map<String, LongAdder> counters) {
    Map<String, Long> sums = new TreeMap<>();
    counters.forEach((name, count) -> sums.put(name, count.sum()));
    return sums;
  }

  String line() {
    return String.format(
        Locale.ROOT,
        "sealed=%d compared=%d bytes=%.3e killed_producers=%d killed_readers=%d refusals=%d"
            + " refused_writes=%d faults=%d",
        get(SEALED),
        get(COMPARED),
        (double) get(BYTES),
        get(PRODUCERS),
        get(READERS),
        get(REFUSALS),
        get(WRITES),
        get(FAULTS));
  }

  /// The rest of them.
  String details() {
    return """
    deleted=%d compared_after_delete=%d killed_while_holding_views=%d
    refused with: %s
    killed while: %s
    """
        .formatted(
            get(DELETED), get(AGAIN), get(HOLDING), listed(refusedWith), listed(killedWhile));
  }

  private static String listed(Map<String, LongAdder> counters) {
    return counters.isEmpty()
        ? "-"
        : sums(counters).entrySet().stream()
            .map(each -> each.getKey() + " " + each.getValue())
            .collect(Collectors.joining(", "));
  }
}
