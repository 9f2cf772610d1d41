package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.Documents;
import dev.sealbuf.protocol.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Each row of the error table of `protocol/PROTOCOL.md`, raised for real: the exception's type and
/// code, and every word of its message. The methods are named after the codes.
@Tag("daemon")
@Timeout(120)
@ExtendWith(Unprivileged.class)
class ErrorsRaisedTest {
  private static final List<List<String>> TABLE = Documents.tableUnder("PROTOCOL.md", "Errors");

  @Test
  void everyRowIsRaised() {
    Set<String> tests =
        Arrays.stream(ErrorsRaisedTest.class.getDeclaredMethods())
            .filter(method -> method.isAnnotationPresent(Test.class))
            .map(method -> method.getName())
            .collect(Collectors.toSet());
    assertThat(tests).containsAll(TABLE.stream().map(row -> camelCase(row.getFirst())).toList());
  }

  @Test
  void notFound() {
    try (Sealbuf store = connect()) {
      raised("not_found", () -> store.get("absent"), "no such buffer: name=absent");
    }
  }

  @Test
  void alreadyExists() {
    try (Sealbuf store = connect()) {
      store.put("errors/taken", new byte[1]);
      raised(
          "already_exists",
          () -> store.put("errors/taken", new byte[1]),
          "a buffer has this name already: name=errors/taken");
    }
  }

  @Test
  void storeFull() {
    try (DaemonProcess daemon = DaemonProcess.start("--capacity", "64MiB");
        Sealbuf store = daemon.connect()) {
      raised(
          "store_full",
          () -> store.create("full", 1L << 30),
          "no room below the capacity: requested=1073741824 used=# capacity=67108864");
    }
  }

  @Test
  void quotaExceeded() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect()) {
      List<BufferWriter> unfinished = new ArrayList<>();
      for (int i = 0; i < 1024; i++) {
        unfinished.add(store.create(1));
      }
      raised(
          "quota_exceeded",
          () -> store.create(1),
          "too many unfinished buffers of one session: unfinished=1024 max=1024");
      unfinished.forEach(BufferWriter::close);
    }
  }

  @Test
  void stillMapped() throws IOException {
    try (Sealbuf store = connect()) {
      Session session = store.session();
      Deadline deadline = Deadline.after(DaemonProcess.PATIENCE);
      Optional<String> name = Optional.of("errors/mapped");
      try (Answer loan = session.call(seq -> new Request.Create(seq, name, 4096), deadline);
          Mapping second = Mapping.readWrite(loan.descriptors().getFirst(), 4096);
          BufferWriter writer =
              BufferWriter.map(
                  new BufferWriter.Lender(
                      session.connection(), session.uid(), DaemonProcess.PATIENCE),
                  loan,
                  Shape.bytes(4096),
                  new byte[0])) {
        assertThat(second.bytes()).isEqualTo(4096);
        raised(
            "still_mapped",
            writer::seal,
            "a seal needs every writable mapping and forked copy gone: buffer=# waited_ms=#");
      }
    }
  }

  @Test
  void notPermitted() throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      Files.setPosixFilePermissions(daemon.socket(), Set.of());
      raised(
          "not_permitted",
          () -> Sealbuf.connect(daemon.socket()),
          "this uid may not open the socket: socket=" + daemon.socket());
    }
  }

  @Test
  void invalidName() {
    try (Sealbuf store = connect()) {
      raised(
          "invalid_name",
          () -> store.put("n".repeat(256), new byte[1]),
          "name too long: bytes=256 max=255");
    }
  }

  @Test
  void invalidRequest() {
    try (Sealbuf store = connect()) {
      raised(
          "invalid_request",
          () -> store.create("errors/negative", -1),
          "a length is not negative: nbytes=-1");
    }
  }

  @Test
  void protocol() throws IOException {
    byte[] frame = new byte[16];
    frame[0] = 'S';
    frame[1] = 'B';
    frame[2] = 1;
    Arrays.fill(frame, 4, 8, (byte) 0xff);
    try (FakeDaemon fake = FakeDaemon.answering(frame)) {
      raised(
          "protocol",
          () -> Sealbuf.connect(fake.socket()),
          "head length out of bounds: head_bytes=4294967295 min=1 max=65536");
    }
  }

  @Test
  void wrongVersion() throws IOException {
    try (FakeDaemon fake = FakeDaemon.answering("HTTP/1.1 200 OK\r\n".getBytes(US_ASCII))) {
      raised(
          "wrong_version",
          () -> Sealbuf.connect(fake.socket()),
          "not a frame of protocol version 1: byte=0 value=0x48 expected=0x53");
    }
  }

  @Test
  void tryAgain() {
    List<String> fewDescriptors = List.of("prlimit", "--nofile=256:256");
    try (DaemonProcess daemon = DaemonProcess.start(fewDescriptors)) {
      List<Sealbuf> stores = new ArrayList<>();
      try {
        raised(
            "try_again",
            () -> {
              while (true) {
                stores.add(daemon.connect());
              }
            },
            "too many sessions of one uid: uid=%d sessions=# descriptors=# max=#"
                .formatted(PeerCredentials.ownUid()));
      } finally {
        stores.forEach(Sealbuf::close);
      }
    }
  }

  @Test
  void tooManyMappings() {
    try (Sealbuf store = connect()) {
      store.put("errors/large", new byte[300_000]);
      List<SealedBuffer> views = new ArrayList<>();
      try {
        raised(
            "too_many_mappings",
            () -> {
              while (true) {
                views.add(store.get("errors/large"));
              }
            },
            "too many segments mapped in this process: mappings=16384 max=16384");
      } finally {
        views.forEach(SealedBuffer::close);
      }
    }
  }

  @Test
  void timeout() {
    try (Sealbuf store = connect()) {
      raised(
          "timeout",
          () -> store.get("errors/never", Duration.ofSeconds(1)),
          "the wait for a name ended without it: name=errors/never waited_ms=#");
    }
  }

  @Test
  void disconnected() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect();
        BufferWriter writer = store.create("unfinished", 1)) {
      daemon.kill();
      raised("disconnected", writer::seal, "the daemon closed the connection");
    }
  }

  @Test
  void noDaemon() {
    Path socket = Path.of("/tmp/sealbuf-no-such-socket");
    raised(
        "no_daemon",
        () -> Sealbuf.connect(socket),
        "nobody listens: socket=" + socket + " errno=ENOENT");
  }

  @Test
  void closed() {
    Sealbuf store = connect();
    store.close();
    raised("closed", store::ping, "the store is closed");
  }

  private static Sealbuf connect() {
    return DaemonProcess.shared().connect();
  }

  /// Asserts what the row of the code says, and the message: the rule and the evidence, in which
  /// `#` is some number, then what to do.
  private static void raised(String code, ThrowingCallable call, String message) {
    List<String> row =
        TABLE.stream().filter(each -> each.getFirst().equals(code)).findFirst().orElseThrow();
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            SealbufException.class,
            raised -> {
              assertThat(raised.code().code()).isEqualTo(code);
              assertThat(raised.getClass().getSimpleName()).isEqualTo(row.get(1));
            })
        .extracting(raised -> withoutNumbers(raised, message))
        .isEqualTo(message + "; " + row.get(6).replace("`", ""));
  }

  /// The message of an exception, without the numbers that the expected one leaves open.
  private static String withoutNumbers(Throwable raised, String expected) {
    String message = String.valueOf(raised.getMessage());
    for (MatchResult open : Pattern.compile("(\\w+=)#").matcher(expected).results().toList()) {
      message = message.replaceFirst(open.group(1) + "\\d+", open.group());
    }
    return message;
  }

  private static String camelCase(String code) {
    String[] words = code.split("_", -1);
    return words[0]
        + Arrays.stream(words)
            .skip(1)
            .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
            .collect(Collectors.joining());
  }
}
