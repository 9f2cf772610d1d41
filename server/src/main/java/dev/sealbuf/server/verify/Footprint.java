package dev.sealbuf.server.verify;

import dev.sealbuf.client.Statistics;
import dev.sealbuf.server.host.SystemFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// What a daemon takes. Slabs are append-only, so some may be left behind, and memory that is ready
/// for the next large buffer is no leak: both are subtracted.
///
/// @param heap after a collection
/// @param rss private memory in RAM, for people: what of it the JVM keeps for itself varies
record Footprint(
    long descriptors,
    long memfds,
    long mappings,
    long used,
    long unfinished,
    long held,
    long heap,
    long rss) {
  /// What sessions that ended were handed is remembered, up to a sixteenth of the heap, and tables
  /// keep their size.
  private static final long HEAP_SLACK = 16 << 20;

  private static final String MEMFD = "/memfd:";

  /// What a process can say of itself, whoever else may not look.
  static Map<String, Object> ofThisProcess() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    List<String> open = openFiles();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("descriptors", open.size());
    fields.put("memfds", open.stream().filter(each -> each.startsWith(MEMFD)).count());
    fields.put("mappings", lines("maps").stream().filter(each -> each.contains(MEMFD)).count());
    fields.put("heap", runtime.totalMemory() - runtime.freeMemory());
    fields.put("rss", rssAnon());
    return fields;
  }

  private static List<String> openFiles() {
    List<String> open = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path entry : entries) {
        try {
          open.add(Files.readSymbolicLink(entry).toString());
        } catch (IOException _) {
          // Closed since the listing.
        }
      }
      return open;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> lines(String file) {
    return SystemFiles.lines(Path.of("/proc/self", file));
  }

  private static long rssAnon() {
    return lines("status").stream()
        .filter(line -> line.startsWith("RssAnon:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .sum();
  }

  static Footprint of(JsonNode process, Statistics stats) {
    long own = stats.slabs() + stats.prepared();
    return new Footprint(
        process.path("descriptors").asLong() - own,
        process.path("memfds").asLong() - own,
        process.path("mappings").asLong() - stats.slabs(),
        stats.used() - stats.slabBytes(),
        stats.unfinished(),
        stats.held(),
        process.path("heap").asLong(),
        process.path("rss").asLong());
  }

  boolean isBackAt(Footprint start) {
    return exact().equals(start.exact()) && heap <= start.heap + HEAP_SLACK;
  }

  private List<Long> exact() {
    return List.of(descriptors, memfds, mappings, used, unfinished, held);
  }

  @Override
  public String toString() {
    return "descriptors=%d memfds=%d mappings=%d used=%d unfinished=%d held=%d heap=%d rss=%d"
        .formatted(descriptors, memfds, mappings, used, unfinished, held, heap, rss);
  }
}
