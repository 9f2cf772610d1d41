import dev.sealbuf.client.PutOptions;
import dev.sealbuf.client.Sealbuf;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/// The producer of `bench/handoff.py`: for each line `NAME NBYTES` of standard input it publishes a
/// buffer of that length, a moment later, so that whoever waits for the name does wait.
///
/// Its first 8 bytes tell when it was handed over, in nanoseconds of CLOCK_MONOTONIC, which is the
/// clock of `System.nanoTime()` on Linux and of Python's `time.monotonic_ns()`.
///
///     java -cp 'server/target/sealbuf/lib/*' bench/java/HandOff.java SOCKET SMALL_MAX
static final long MOMENT_MILLIS = 2;

/// So many of each before the first that counts: what is compiled and linked by then is no part of it.
static final int WARM_UP = 3000;

void main(String[] arguments) throws Exception {
  long smallMax = Long.parseLong(arguments[1]);
  try (Sealbuf store = Sealbuf.connect(Path.of(arguments[0]))) {
    for (int i = 0; i < WARM_UP; i++) {
      publish(store, "warm-up", i % 10 == 0 ? smallMax + 1 : Long.BYTES, smallMax, 0);
      store.delete("warm-up");
    }
    IO.println("ready");
    for (String line = IO.readln(); line != null; line = IO.readln()) {
      String name = line.substring(0, line.indexOf(' '));
      long nbytes = Long.parseLong(line.substring(name.length() + 1));
      publish(store, name, nbytes, smallMax, MOMENT_MILLIS);
    }
  }
}

static void publish(Sealbuf store, String name, long nbytes, long smallMax, long millis)
    throws InterruptedException {
  if (nbytes <= smallMax) {
    put(store, name, (int) nbytes, millis);
  } else {
    seal(store, name, nbytes, millis);
  }
}

static void put(Sealbuf store, String name, int nbytes, long millis) throws InterruptedException {
  byte[] bytes = new byte[nbytes];
  ByteBuffer start = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  Thread.sleep(millis);
  start.putLong(System.nanoTime());
  store.put(name, bytes, PutOptions.NONE);
}

static void seal(Sealbuf store, String name, long nbytes, long millis) throws InterruptedException {
  try (var writer = store.create(name, nbytes)) {
    Thread.sleep(millis);
    writer.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, 0, System.nanoTime());
    writer.seal().close();
  }
}
