package dev.sealbuf.server.verify;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// What the user sees: lines for people, or a JSON object a line.
public final class Report {
  private final PrintWriter out;
  private final boolean json;

  public Report(PrintWriter out, boolean json) {
    this.out = out;
    this.json = json;
  }

  void note(String text) {
    print(text, "note", text);
  }

  void fault(String text) {
    print("FAULT " + text, "fault", text);
  }

  void second(double seconds, Tally tally) {
    print(
        String.format(Locale.ROOT, "%4.0f s  %s", seconds, tally.line()),
        "running",
        timed(seconds, tally));
  }

  void summary(double seconds, Tally tally) {
    String verdict = tally.get(Tally.FAULTS) == 0 ? "sealed means sealed" : "FAULTY";
    print(
        String.format(
            Locale.ROOT,
            "%s: %.0f s %s%n%s",
            verdict,
            seconds,
            tally.line(),
            tally.details().stripTrailing()),
        "summary",
        timed(seconds, tally));
  }

  private static Map<String, Object> timed(double seconds, Tally tally) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("seconds", Math.round(seconds * 1000) / 1000.0);
    fields.putAll(tally.fields());
    return fields;
  }

  private synchronized void print(String line, String kind, Object value) {
    out.println(json ? Lines.text(Map.of(kind, value)) : line);
    out.flush();
  }
}
