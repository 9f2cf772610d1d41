package dev.sealbuf.examples.s3;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.client.BufferInfo;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.Statistics;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// From the object store to a NumPy array: a real daemon, both programs as a user runs them.
@Tag("daemon")
@ExtendWith(LeakCheck.class)
class S3ProducerTest {
  /// 1 GiB with `-Ds3.bytes=1073741824`.
  private static final long LARGE = Long.getLong("s3.bytes", 128L << 20);

  private static final long RSS_ANON_MAX = 64 << 10; // KiB
  private static final long PAUSE = Duration.ofMillis(5).toNanos();
  private static final Pattern READ =
      Pattern.compile(
          "s3://bucket/object bytes=(?<bytes>\\d+) mean=\\S+ sha256=(?<sha256>\\w+)"
              + " rss_anon=\\+(?<grown>\\d+)KiB\n");

  private static S3Server s3;
  private static Daemon daemon;
  private static Map<String, String> environment;

  @BeforeAll
  static void start() throws Exception {
    s3 = new S3Server();
    daemon = new Daemon("3GiB");
    environment = daemon.environment(s3.environment());
  }

  @AfterAll
  static void stop() throws IOException {
    daemon.close();
    s3.close();
  }

  @AfterEach
  void empty() {
    s3.forget();
    try (Sealbuf store = daemon.connect()) {
      store.delete(store.list("").stream().map(BufferInfo::name).toArray(String[]::new));
      assertNothingPublishedOrLeft(store);
    }
  }

  @Test
  void emptyObject() {
    assertReadInPython(0);
    assertThat(s3.ranges()).isEmpty();
  }

  @Test
  void objectOfOneByte() {
    assertReadInPython(1);
    assertThat(s3.ranges()).containsExactly("bytes=0-0");
  }

  @Test
  void objectOfAnOddLength() {
    assertReadInPython((5 << 20) + 1);
  }

  @Test
  void objectOfOneByteMoreThanARange() {
    assertReadInPython(RangedDownload.RANGE + 1L);
    assertThat(s3.ranges())
        .containsExactlyInAnyOrder("bytes=0-16777215", "bytes=16777216-16777216");
  }

  /// Show 7, with the object's full size.
  @Test
  @Timeout(300)
  void aReaderOfALargeObjectHasNoMemoryOfItsOwn() {
    long grown = assertReadInPython(LARGE);
    System.out.printf("bytes=%d rss_anon=+%dKiB%n", LARGE, grown);
    assertThat(grown).isLessThan(RSS_ANON_MAX);
  }

  /// The control of the test above.
  @Test
  void theReaderSeesMemoryOfItsOwnGrow() {
    Program shell =
        Program.shell(
            environment,
            """
            cd docs/examples/s3
            exec ../../../.venv/bin/python -B -c '
            import numpy, reader
            before = reader.rss_anon()
            array = numpy.ones(64 << 20, "u1")
            print(reader.rss_anon() - before)'
            """);
    assertThat(shell.errors()).isEmpty();
    assertThat(Long.parseLong(shell.output().strip())).isGreaterThanOrEqualTo(RSS_ANON_MAX);
  }

  /// But for the class path: the folder that the README names is filled when the tests have passed.
  @Test
  void theCommandsOfTheReadmeRunAsTheyStand() throws IOException {
    String readme = Files.readString(Program.TREE.resolve("docs/examples/s3/README.md"));
    Matcher blocks = Pattern.compile("(?s)```sh\n(.*?)```").matcher(readme);
    String commands = blocks.results().toList().getLast().group(1);
    assertThat(commands).contains("docs/examples/s3/target/lib/*");
    Map<String, String> all = new HashMap<>(environment);
    all.put("OBJECT", put("object", 1000).toString());

    Program shell =
        Program.shell(
            all,
            commands.replace(
                "docs/examples/s3/target/lib/*", System.getProperty("java.class.path", "")));

    assertThat(shell.errors()).isEmpty();
    assertThat(shell.output())
        .matches(
            "downloaded s3://bucket/object bytes=1000 ms=\\d+\ns3://bucket/object bytes=1000 .*\n");
  }

  @Test
  void everyObjectBelowAPrefixIsPublishedAndNoFolder() {
    put("pictures/", 0);
    put("pictures/1", 10);
    put("pictures/old/2", 20);
    put("picture", 30);

    Program producer = Program.producer(environment, "s3://bucket/pictures/");

    assertThat(producer.errors()).isEmpty();
    try (Sealbuf store = daemon.connect()) {
      assertThat(store.list("").stream().map(BufferInfo::name))
          .containsExactly("s3://bucket/pictures/1", "s3://bucket/pictures/old/2");
    }
  }

  @Test
  void twoProducersDownloadOnce() {
    Location object = put("shared", 3L * RangedDownload.RANGE);
    s3.at((_, answer) -> {
      awaitAWaitingProducer();
      return answer.bytes();
    });

    CompletableFuture<Program> other =
        CompletableFuture.supplyAsync(() -> Program.producer(environment, object));
    Program one = Program.producer(environment, object);

    assertThat(List.of(firstWord(one), firstWord(other.join())))
        .containsExactlyInAnyOrder("downloaded", "shared");
    assertThat(s3.ranges()).hasSize(3);
  }

  @Test
  void aPublishedObjectIsNotDownloadedAgain() {
    Location object = put("again", 1000);

    Program first = Program.producer(environment, object, object);
    Program second = Program.producer(environment, object);

    assertThat(first.output().lines().map(S3ProducerTest::firstWord))
        .containsExactly("downloaded", "shared");
    assertThat(firstWord(second)).isEqualTo("shared");
    assertThat(s3.ranges()).hasSize(1);
  }

  @Test
  void aMissingObjectIsAnError() {
    assertRefused(
        Program.producer(environment, "s3://bucket/missing"),
        "there is no such object or bucket: name=s3://bucket/missing status=404");
  }

  @Test
  void aMissingBucketIsAnError() {
    assertRefused(
        Program.producer(environment, "s3://nobody/all/"),
        "there is no such object or bucket: name=s3://nobody/all/ status=404");
  }

  @Test
  void wrongCredentialsAreAnError() {
    Map<String, String> wrong = new HashMap<>(environment);
    wrong.put("AWS_SECRET_ACCESS_KEY", "guessed");
    assertRefused(
        Program.producer(wrong, put("private", 10)),
        "these credentials may not read it: name=s3://bucket/private status=403");
  }

  @Test
  void anObjectThatChangesWhileItIsReadIsAnError() {
    Location object = put("changing", 5L * RangedDownload.RANGE);
    s3.at((number, answer) -> {
      if (number == 3) {
        put("changing", 1);
      }
      return answer.bytes();
    });
    assertRefused(
        Program.producer(environment, object),
        "the object changed while it was read, run it again: name=s3://bucket/changing status=412");
  }

  /// What the reader's own memory grew by while it held an array over all bytes, in KiB.
  private long assertReadInPython(long nbytes) {
    Content content = new Content(nbytes, nbytes);
    Location object = s3.put("object", nbytes, content);

    Program producer = Program.producer(environment, object);
    Program reader = Program.reader(environment, object);

    assertThat(producer.errors()).isEmpty();
    assertThat(reader.errors()).isEmpty();
    Matcher line = READ.matcher(reader.output());
    assertThat(line.matches()).as(reader.output()).isTrue();
    assertThat(line.group("bytes")).isEqualTo("" + nbytes);
    assertThat(line.group("sha256")).isEqualTo(content.sha256());
    return Long.parseLong(line.group("grown"));
  }

  private Location put(String key, long nbytes) {
    return s3.put(key, nbytes, new Content(nbytes, nbytes));
  }

  private void assertRefused(Program producer, String message) {
    assertThat(producer)
        .isEqualTo(new Program(1, "", "S3Producer: " + message + System.lineSeparator()));
    try (Sealbuf store = daemon.connect()) {
      assertNothingPublishedOrLeft(store);
    }
  }

  private static void assertNothingPublishedOrLeft(Sealbuf store) {
    Statistics stats = store.stats();
    assertThat(stats.buffers()).isZero();
    assertThat(stats.unfinished()).isZero();
    assertThat(stats.waiting()).isZero();
    assertThat(stats.sessions()).isOne();
  }

  private void awaitAWaitingProducer() {
    try (Sealbuf store = daemon.connect()) {
      while (store.stats().waiting() == 0) {
        LockSupport.parkNanos(PAUSE);
      }
    }
  }

  private static String firstWord(Program producer) {
    return firstWord(producer.output());
  }

  private static String firstWord(String line) {
    return line.substring(0, line.indexOf(' '));
  }
}
