package dev.sealbuf.server.verify;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sealbuf.client.BatchItem;
import dev.sealbuf.client.BufferWriter;
import dev.sealbuf.client.NotFoundException;
import dev.sealbuf.client.PutOptions;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealbufException;
import dev.sealbuf.client.SealedBuffer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// A worker in Java: `SOCKET NAMESPACE`, then a line of JSON a command until standard input ends.
/// `sealbuf._verify` is the same in Python.
///
/// | do | with | end |
/// |---|---|---|
/// | put, create | buffers: one, replace | done |
/// | put_many | buffers | done |
/// | delete | name | done, absent |
/// | hoard | | done; of interest is its refusal |
/// | read | name, keep: number or 0, attack | found: nbytes, crc32, label, attack; absent |
/// | again | keep: number | found |
///
/// A buffer is name, seed, nbytes and label. Whatever the store says no to has the end `refused`
/// with the code.
final class WorkerMain {
  /// On a machine that other things keep busy, a request may take its time.
  private static final Duration TIMEOUT = Duration.ofMinutes(1);

  private static final int HOARD = 1 << 16;

  private final Path socket;
  private final String namespace;
  private final Sealbuf store;
  private final Map<Long, SealedBuffer> kept = new HashMap<>();

  private WorkerMain(Path socket, String namespace, Sealbuf store) {
    this.socket = socket;
    this.namespace = namespace;
    this.store = store;
  }

  static void main(String[] arguments) throws IOException {
    Path socket = Path.of(arguments[0]);
    try (Sealbuf store = connect(socket, arguments[1]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
      WorkerMain worker = new WorkerMain(socket, arguments[1], store);
      say(Map.of("end", "ready"));
      for (String line = commands.readLine(); line != null; line = commands.readLine()) {
        say(worker.obey(Lines.parse(line)));
      }
    }
  }

  static Sealbuf connect(Path socket, String namespace) {
    return Sealbuf.connect(socket, namespace, TIMEOUT);
  }

  private static void say(Map<String, Object> line) {
    System.out.println(Lines.text(line));
  }

  private Map<String, Object> obey(JsonNode command) {
    try {
      return switch (command.path("do").asString()) {
        case "put" -> put(command.path("buffers").path(0), options(command));
        case "create" -> create(command.path("buffers").path(0), options(command));
        case "put_many" -> putMany(command.path("buffers"));
        case "delete" -> delete(command.path("name").asString());
        case "hoard" -> hoard();
        case "read" -> read(command);
        case "again" -> again(command.path("keep").asLong());
        default -> throw new IllegalArgumentException("no such command: " + command);
      };
    } catch (NotFoundException _) {
      return Map.of("end", "absent");
    } catch (SealbufException e) {
      return Map.of("end", "refused", "code", e.code().code(), "message", "" + e.getMessage());
    }
  }

  private static PutOptions options(JsonNode command) {
    byte[] label = command.path("buffers").path(0).path("label").asString().getBytes(UTF_8);
    PutOptions options = PutOptions.NONE.withMetadata(label);
    return command.path("replace").asBoolean() ? options.replacing() : options;
  }

  private static String name(JsonNode buffer) {
    return buffer.path("name").asString();
  }

  private static Content content(JsonNode buffer) {
    return new Content(buffer.path("seed").asLong(), buffer.path("nbytes").asLong());
  }

  private Map<String, Object> put(JsonNode buffer, PutOptions options) {
    store.put(name(buffer), content(buffer).toByteArray(), options);
    return Map.of("end", "done");
  }

  private Map<String, Object> create(JsonNode buffer, PutOptions options) {
    try (BufferWriter writer =
        store.create(name(buffer), buffer.path("nbytes").asLong(), options)) {
      say(Map.of("at", "writing"));
      content(buffer).writeTo(writer.segment());
      say(Map.of("at", "sealing"));
      writer.seal().close();
    }
    return Map.of("end", "done");
  }

  private Map<String, Object> putMany(JsonNode buffers) {
    List<BatchItem> items = new ArrayList<>();
    buffers.forEach(each -> items.add(new BatchItem(name(each), content(each).toByteArray())));
    store.putMany(items);
    return Map.of("end", "done");
  }

  private Map<String, Object> delete(String name) {
    store.delete(name);
    return Map.of("end", "done");
  }

  private Map<String, Object> hoard() {
    List<BufferWriter> writers = new ArrayList<>();
    try {
      for (int i = 0; i < HOARD; i++) {
        writers.add(store.create(0));
      }
    } finally {
      writers.forEach(BufferWriter::close);
    }
    return Map.of("end", "done");
  }

  private Map<String, Object> read(JsonNode command) {
    SealedBuffer buffer = store.get(command.path("name").asString());
    long keep = command.path("keep").asLong();
    try {
      String attack =
          command.path("attack").asBoolean() && buffer.nbytes() > 0 ? attack(buffer) : "";
      return found(buffer, attack);
    } finally {
      if (keep == 0) {
        buffer.close();
      } else {
        kept.put(keep, buffer);
      }
    }
  }

  private Map<String, Object> again(long number) {
    try (SealedBuffer buffer = kept.remove(number)) {
      if (buffer == null) {
        throw new IllegalArgumentException("no such view: keep=" + number);
      }
      return found(buffer, "");
    }
  }

  private static Map<String, Object> found(SealedBuffer buffer, String attack) {
    return Map.of(
        "end",
        "found",
        "nbytes",
        buffer.nbytes(),
        "crc32",
        Content.crc32(buffer.segment()),
        "label",
        new String(buffer.metadata(), UTF_8),
        "attack",
        attack);
  }

  /// First as a program does it by mistake, then past the language, in a process of its own.
  private String attack(SealedBuffer buffer) {
    MemorySegment bytes = buffer.segment();
    try {
      bytes.set(ValueLayout.JAVA_BYTE, 0, (byte) ~bytes.get(ValueLayout.JAVA_BYTE, 0));
      return "a segment let itself be written to";
    } catch (IllegalArgumentException | UnsupportedOperationException _) {
      return attackRaw(buffer.name());
    }
  }

  private String attackRaw(String name) {
    List<String> command =
        Words.java(
            Attacker.class,
            List.of(
                Words.SHORT_LIVED, "-XX:+SuppressFatalErrorMessage", "-XX:-CreateCoredumpOnCrash"),
            List.of(socket.toString(), namespace, name));
    try {
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      Process attacker = builder.start();
      List<String> said;
      try (BufferedReader lines = attacker.inputReader(UTF_8)) {
        said = lines.readAllLines();
      }
      int status = attacker.waitFor();
      if (said.isEmpty() && status == 0) {
        return ""; // deleted meanwhile
      }
      return status != 0 && said.equals(List.of(Attacker.BEFORE))
          ? "refused"
          : "a raw write ended with status=%d after=%s".formatted(status, said);
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("no attacker could be started", e);
    }
  }
}
