package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The Java half of the exchange of typed buffers in `protocol/README.md`: `(publish|verify) SOCKET
/// TYPED`.
final class TypedMain {
  private TypedMain() {}

  public static void main(String[] arguments) throws IOException {
    List<TypedCase> cases = TypedCase.read(Path.of(arguments[2]));
    PrintStream out = new PrintStream(System.out, true, UTF_8);
    try (Sealbuf store = Sealbuf.connect(Path.of(arguments[1]), DaemonProcess.PATIENCE)) {
      switch (arguments[0]) {
        case "publish" -> {
          publish(store, cases);
          out.println("published " + cases.size());
        }
        case "verify" -> {
          List<String> differences = differences(store, cases);
          differences.forEach(new PrintStream(System.err, true, UTF_8)::println);
          if (!differences.isEmpty()) {
            System.exit(1);
          }
          out.println("verified " + cases.size());
        }
        default -> throw new IllegalArgumentException("publish or verify: " + arguments[0]);
      }
    }
  }

  /// Those in C order one by one, those in Fortran order as a batch.
  private static void publish(Sealbuf store, List<TypedCase> cases) {
    List<BatchItem> batch = new ArrayList<>();
    for (TypedCase typed : cases) {
      if (typed.fortran()) {
        MemorySegment data = MemorySegment.ofArray(typed.content());
        batch.add(new BatchItem(typed.seed(), data, typed.shape()));
      } else {
        store.put(typed.seed(), typed.content(), PutOptions.NONE.withShape(typed.shape()));
      }
    }
    store.putMany(batch);
  }

  private static List<String> differences(Sealbuf store, List<TypedCase> cases) {
    Map<String, BufferInfo> listed = new HashMap<>();
    store.list("typed/").forEach(info -> listed.put(info.name(), info));
    List<String> found = new ArrayList<>();
    for (TypedCase typed : cases) {
      try (SealedBuffer buffer = store.get(typed.seed())) {
        differences(found, typed, buffer, listed.get(typed.seed()));
      } catch (SealbufException e) {
        found.add(typed.seed() + ": " + e);
      }
    }
    return found;
  }

  private static void differences(
      List<String> found, TypedCase typed, SealedBuffer buffer, @Nullable BufferInfo listed) {
    Shape shape = buffer.shape();
    compare(found, typed, "format", buffer.format(), typed.format());
    compare(found, typed, "typestr", buffer.elementType().typestr(), typed.typestr());
    compare(found, typed, "shape", shape.dimensions(), typed.dimensions());
    compare(found, typed, "strides", buffer.strides(), typed.strides());
    compare(found, typed, "nbytes", buffer.nbytes(), (long) typed.nbytes());
    compare(found, typed, "bytes", Arrays.equals(buffer.toByteArray(), typed.content()), true);
    compare(found, typed, "listed", listed, buffer.info());
    compare(found, typed, "itemsize", buffer.elementType().bytes(), typed.itemsize());
    compare(found, typed, "whole shape", shape, typed.shape());
  }

  private static void compare(
      List<String> found, TypedCase typed, String what, @Nullable Object is, Object expected) {
    if (!expected.equals(is)) {
      found.add("%s: %s is %s, not %s".formatted(typed.seed(), what, is, expected));
    }
  }
}
