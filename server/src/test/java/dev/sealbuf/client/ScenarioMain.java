package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The Java half of the exchange in `protocol/README.md`: `(publish|verify) SOCKET SCENARIOS`.
final class ScenarioMain {
  private ScenarioMain() {}

  public static void main(String[] arguments) throws IOException {
    List<Scenario> scenarios = Scenario.read(Path.of(arguments[2]));
    PrintStream out = new PrintStream(System.out, true, UTF_8);
    try (Sealbuf store = Sealbuf.connect(Path.of(arguments[1]), DaemonProcess.PATIENCE)) {
      switch (arguments[0]) {
        case "publish" -> {
          publish(store, scenarios, out);
          System.in.transferTo(OutputStream.nullOutputStream());
        }
        case "verify" -> verify(store, scenarios, out);
        default -> throw new IllegalArgumentException("publish or verify: " + arguments[0]);
      }
    }
  }

  private static void publish(Sealbuf store, List<Scenario> scenarios, PrintStream out)
      throws IOException {
    for (Scenario scenario : scenarios) {
      String name = scenario.inPlace() ? create(store, scenario) : put(store, scenario);
      out.println(scenario.claim() + "\t" + name);
    }
    System.in.transferTo(OutputStream.nullOutputStream()); // what has no name ends with its session
  }

  private static String put(Sealbuf store, Scenario scenario) {
    byte[] content = Content.of(scenario.seed(), Math.toIntExact(scenario.nbytes()));
    return scenario.name().isPresent()
        ? store.put(scenario.name().get(), content).name()
        : store.put(content).name();
  }

  private static String create(Sealbuf store, Scenario scenario) {
    long created = scenario.created().orElse(scenario.nbytes());
    try (BufferWriter writer =
        scenario.name().isPresent()
            ? store.create(scenario.name().get(), created)
            : store.create(created)) {
      Content.fill(writer.segment().asSlice(0, scenario.nbytes()), scenario.seed());
      try (SealedBuffer sealed =
          scenario.created().isPresent() ? writer.seal(scenario.nbytes()) : writer.seal()) {
        return sealed.name();
      }
    }
  }

  private static void verify(Sealbuf store, List<Scenario> scenarios, PrintStream out)
      throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    List<String> differences = new ArrayList<>();
    for (Scenario scenario : scenarios) {
      String[] published = in.readLine().split("\t", 2);
      if (!published[0].equals(scenario.claim())) {
        throw new IllegalStateException("lines out of order: " + published[0]);
      }
      differences.addAll(differences(store, scenario, published[1]));
    }
    differences.forEach(System.err::println);
    if (!differences.isEmpty()) {
      System.exit(1);
    }
    out.println("verified " + scenarios.size());
  }

  private static List<String> differences(Sealbuf store, Scenario scenario, String name) {
    List<String> found = new ArrayList<>();
    try (SealedBuffer buffer = store.get(name)) {
      compare(found, scenario, "name", buffer.name(), scenario.name().orElse(name));
      compare(found, scenario, "nbytes", buffer.nbytes(), scenario.nbytes());
      compare(found, scenario, "format", buffer.format(), "B");
      byte[] content = Content.of(scenario.seed(), Math.toIntExact(scenario.nbytes()));
      compare(found, scenario, "bytes", Arrays.equals(buffer.toByteArray(), content), true);
      List<BufferInfo> listed =
          store.list(name).stream().filter(info -> info.name().equals(name)).toList();
      compare(found, scenario, "listed", listed, List.of(buffer.info()));
    } catch (SealbufException e) {
      found.add(scenario.claim() + ": " + e);
    }
    return found;
  }

  private static void compare(
      List<String> found, Scenario scenario, String what, Object is, Object expected) {
    if (!is.equals(expected)) {
      found.add("%s: %s is %s, not %s".formatted(scenario.claim(), what, is, expected));
    }
  }
}
