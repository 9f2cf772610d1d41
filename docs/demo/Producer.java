import dev.sealbuf.client.BufferWriter;
import dev.sealbuf.client.SealedBuffer;
import dev.sealbuf.client.Sealbuf;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/// The producer of the demo: decodes photographs with ImageIO straight into shared memory, publishes a large file the same
/// way, and then tries to change what it has published.
///
/// `java Producer.java SOCKET FOLDER-OF-PHOTOGRAPHS LARGE-FILE SEED` (SEED 0: everything as it is; another: other
/// photographs, other crops, and the large file from another byte on). Every line on standard output is
/// `kind TAB field TAB field ...` for `run.py`.
final class Producer {
  private static final int PHOTOGRAPHS = 12;
  private static final int SMALLEST_SIDE = 250;
  private static final int LEAST_OF_FILE = 100 << 20;

  private final Sealbuf store;
  private final Random random;
  private final boolean asItIs;
  private final List<String> index = new ArrayList<>();

  private Producer(Sealbuf store, long seed) {
    this.store = store;
    this.random = new Random(seed);
    this.asItIs = seed == 0;
  }

  public static void main(String[] args) throws IOException {
    try (Sealbuf store = Sealbuf.connect(Path.of(args[0]))) {
      Producer producer = new Producer(store, Long.parseLong(args[3]));
      producer.publishPhotographs(Path.of(args[1]));
      producer.publishFile(Path.of(args[2]));
      producer.publishIndex();
      producer.tryToWrite();
    }
  }

  private void publishPhotographs(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> listing = Files.list(folder)) {
      listing.sorted().forEach(files::add);
    }
    if (!asItIs) {
      Collections.shuffle(files, random);
    }
    int published = 0;
    for (Path file : files) {
      BufferedImage image = ImageIO.read(file.toFile());
      if (published < PHOTOGRAPHS
          && image != null
          && Math.min(image.getWidth(), image.getHeight()) >= SMALLEST_SIDE) {
        publish(crop(image), stem(file));
        published++;
      }
    }
  }

  private BufferedImage crop(BufferedImage image) {
    if (asItIs) {
      return image;
    }
    int width = image.getWidth() - random.nextInt(image.getWidth() / 3);
    int height = image.getHeight() - random.nextInt(image.getHeight() / 3);
    int left = random.nextInt(image.getWidth() - width + 1);
    int top = random.nextInt(image.getHeight() - height + 1);
    return image.getSubimage(left, top, width, height);
  }

  private void publish(BufferedImage image, String stem) {
    int width = image.getWidth();
    int height = image.getHeight();
    String name = "photo/" + stem;
    long start = System.nanoTime();
    int[] row = new int[width];
    try (BufferWriter writer = store.create(name, 3L * width * height)) {
      MemorySegment pixels = writer.segment();
      long at = 0;
      for (int y = 0; y < height; y++) {
        readRow(image, y, row);
        for (int rgb : row) {
          pixels.set(ValueLayout.JAVA_BYTE, at++, (byte) (rgb >> 16));
          pixels.set(ValueLayout.JAVA_BYTE, at++, (byte) (rgb >> 8));
          pixels.set(ValueLayout.JAVA_BYTE, at++, (byte) rgb);
        }
      }
      writer.seal().close();
    }
    index.add("{\"name\":\"%s\",\"shape\":[%d,%d,3]}".formatted(name, height, width));
    say("published", name, 3L * width * height, System.nanoTime() - start);
  }

  /// ImageIO takes grey samples for linear light and would make them brighter on the way to RGB; other decoders do not.
  private static void readRow(BufferedImage image, int y, int[] row) {
    if (image.getColorModel().getColorSpace().getType() != ColorSpace.TYPE_GRAY) {
      image.getRGB(0, y, row.length, 1, row, 0, row.length);
      return;
    }
    int shift = image.getSampleModel().getSampleSize(0) - 8;
    for (int x = 0; x < row.length; x++) {
      row[x] = (image.getRaster().getSample(x, y, 0) >> shift) * 0x010101;
    }
  }

  private void publishFile(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long spare = Math.max(1, channel.size() - LEAST_OF_FILE);
      long from = asItIs ? 0 : random.nextLong(spare);
      long bytes = channel.size() - from;
      long start = System.nanoTime();
      try (BufferWriter writer = store.create("large-file", bytes)) {
        readFully(channel, from, writer.segment());
        writer.seal().close();
      }
      say("published", "large-file", bytes, System.nanoTime() - start);
      say("large-file", file, from, bytes);
    }
  }

  private static void readFully(FileChannel channel, long from, MemorySegment target)
      throws IOException {
    long at = 0;
    while (at < target.byteSize()) {
      long slice = Math.min(target.byteSize() - at, 64L << 20);
      int read = channel.read(target.asSlice(at, slice).asByteBuffer(), from + at);
      if (read < 0) {
        throw new IOException("the file became shorter while it was read: bytes=" + at);
      }
      at += read;
    }
  }

  private void publishIndex() {
    byte[] json = ("[" + String.join(",", index) + "]").getBytes(StandardCharsets.UTF_8);
    long start = System.nanoTime();
    store.put("index", json);
    say("published", "index", json.length, System.nanoTime() - start);
  }

  private void tryToWrite() {
    try (SealedBuffer buffer = store.get("large-file")) {
      MemorySegment segment = buffer.segment();
      attempt("Java: MemorySegment.set", () -> segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 1));
      attempt("Java: MemorySegment.fill", () -> segment.fill((byte) 1));
      ByteBuffer view = segment.asSlice(0, 8).asByteBuffer().order(ByteOrder.nativeOrder());
      attempt("Java: ByteBuffer.putLong", () -> view.putLong(0, 1L));
    }
  }

  private static void attempt(String what, Runnable write) {
    try {
      write.run();
      say("attempt", what, "WRITTEN");
    } catch (IllegalArgumentException | ReadOnlyBufferException refused) {
      say("attempt", what, refused.getClass().getSimpleName());
    }
  }

  private static String stem(Path file) {
    String name = file.getFileName().toString();
    return name.substring(0, name.lastIndexOf('.'));
  }

  private static void say(Object... fields) {
    IO.println(String.join("\t", Stream.of(fields).map(String::valueOf).toList()));
  }
}
