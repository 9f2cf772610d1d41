import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.lang.foreign.ValueLayout;

/// `smoke.py` in Java.
final class Smoke {
  private Smoke() {}

  public static void main(String[] arguments) {
    String name = arguments[0];
    String outcome = "possible";
    try (Sealbuf store = Sealbuf.connect()) {
      store.put(name, "hello".getBytes());
      try (SealedBuffer buffer = store.get(name)) {
        try {
          buffer.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
        } catch (IllegalArgumentException _) {
          outcome = "refused";
        }
        System.out.printf("write: %s%nread: %s%n", outcome, new String(buffer.toByteArray()));
      }
    }
  }
}
