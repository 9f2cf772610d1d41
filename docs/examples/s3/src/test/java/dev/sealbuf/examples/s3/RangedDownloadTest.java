package dev.sealbuf.examples.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.testing.LeakCheck;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/// Ranges, when network and server are not as one would like. A shared arena is not closed under a
/// thread that uses its memory, so each test also shows that the download has ended.
@ExtendWith(LeakCheck.class)
class RangedDownloadTest {
  private static final long NBYTES = 3L * RangedDownload.RANGE;
  private static final String NAME = "s3://bucket/object";

  private final byte[] bytes = content();
  private final CountDownLatch released = new CountDownLatch(1);
  private S3Server server;
  private S3Client s3;
  private RangedDownload download;

  /// The JDK keeps the descriptors with which virtual threads wait, from the first wait on.
  @BeforeAll
  static void letAVirtualThreadWait() throws Exception {
    ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    Thread waiting =
        Thread.startVirtualThread(() -> assertThatThrownBy(server::accept).isNotNull());
    while (waiting.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    server.close();
    waiting.join();
  }

  @BeforeEach
  void start() throws Exception {
    server = new S3Server();
    s3 = server.client();
    Location object = server.put("object", NBYTES, new ByteArrayInputStream(bytes));
    String etag =
        s3.headObject(request -> request.bucket(object.bucket()).key(object.key())).eTag();
    download = new RangedDownload(s3, new ObjectVersion(object, NBYTES, etag));
  }

  @AfterEach
  void stop() {
    released.countDown();
    s3.close();
    server.close();
  }

  @Test
  void aRangeThatBreaksOffIsReadAgain() {
    server.at(
        (number, answer) -> number == 2 ? behind(answer.bytes(), brokenOff()) : answer.bytes());
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(NBYTES);
      download.into(memory);
      assertThat(memory.mismatch(MemorySegment.ofArray(bytes))).isEqualTo(-1);
    }
    assertThat(server.ranges()).hasSize(4);
  }

  @Test
  void aRangeThatAlwaysBreaksOffIsAnError() {
    server.at((_, answer) -> behind(answer.bytes(), brokenOff()));
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(NBYTES);
      assertThatThrownBy(() -> download.into(memory))
          .isInstanceOf(SdkClientException.class)
          .hasMessage("a range broke off: name=" + NAME + " (SDK Attempt Count: 4)");
    }
  }

  @Test
  void whenOneRangeIsRefusedTheOthersAreNotWaitedFor() {
    server.at((number, answer) -> {
      if (number < 3) {
        return behind(answer.bytes(), hanging());
      }
      server.put("object", 1, new ByteArrayInputStream(new byte[1]));
      return answer.bytes();
    });
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(NBYTES);
      assertThatThrownBy(() -> download.into(memory))
          .isInstanceOf(S3Failure.class)
          .hasMessage(
              "the object changed while it was read, run it again: name=%s status=412", NAME);
    }
  }

  @Test
  void aServerThatDoesNotKnowRangesIsAnError() {
    server.at((_, answer) -> {
      GetObjectResponse whole =
          answer.bytes().response().toBuilder().contentLength(NBYTES).contentRange(null).build();
      return new ResponseInputStream<>(whole, new ByteArrayInputStream(bytes));
    });
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(NBYTES);
      assertThatThrownBy(() -> download.into(memory))
          .isInstanceOf(SdkClientException.class)
          .hasMessage(
              "an answer is as long as the range: name=%s range=%d answer=%d",
              NAME, RangedDownload.RANGE, NBYTES);
    }
  }

  /// The first half of an answer, and then something else.
  private static ResponseInputStream<GetObjectResponse> behind(
      ResponseInputStream<GetObjectResponse> answer, InputStream rest) {
    try {
      byte[] half = answer.readNBytes((int) (answer.response().contentLength() / 2));
      return new ResponseInputStream<>(
          answer.response(), new SequenceInputStream(new ByteArrayInputStream(half), rest));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static InputStream brokenOff() {
    return new FilterInputStream(InputStream.nullInputStream()) {
      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        throw new IOException("broken off");
      }
    };
  }

  private InputStream hanging() {
    return new FilterInputStream(InputStream.nullInputStream()) {
      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        try {
          released.await();
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
        return -1;
      }
    };
  }

  private static byte[] content() {
    try {
      return new Content(7, NBYTES).readNBytes((int) NBYTES);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
