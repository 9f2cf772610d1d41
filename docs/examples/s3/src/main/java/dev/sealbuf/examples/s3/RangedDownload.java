package dev.sealbuf.examples.s3;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/// One version of an object, read into memory of its size.
///
/// The object comes in ranges, several at once: a single stream of S3 is slower than most networks.
/// Each range goes to its own place in the memory through a small array of its thread, so the heap
/// does not grow with the object, and a range that breaks off is simply read again, by the SDK's
/// rules for retries.
///
/// Every request says which version it wants. If the object is replaced in the meantime S3 refuses
/// with status 412, so the memory never holds a mixture.
final class RangedDownload {
  static final int RANGE = 16 << 20;
  private static final int AT_ONCE = 8;
  private static final int CHUNK = 64 << 10;

  private final S3Client s3;
  private final ObjectVersion object;

  RangedDownload(S3Client s3, ObjectVersion object) {
    this.s3 = s3;
    this.object = object;
  }

  /// Fills the memory. When this returns or throws, nothing writes to it any more.
  void into(MemorySegment memory) {
    try (ExecutorService threads =
        Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
      ExecutorCompletionService<GetObjectResponse> ranges =
          new ExecutorCompletionService<>(threads);
      long unread = 0;
      for (long at = 0; at < object.nbytes(); at += RANGE) {
        long first = at;
        MemorySegment range = memory.asSlice(at, Math.min(RANGE, object.nbytes() - at));
        ranges.submit(() -> read(first, range));
        unread++;
      }
      try {
        for (; unread > 0; unread--) {
          ranges.take().get();
        }
      } catch (ExecutionException e) {
        threads.shutdownNow(); // the others are of no use any more
        throw unchecked(e);
      } catch (InterruptedException e) {
        threads.shutdownNow();
        Thread.currentThread().interrupt();
        throw AbortedException.create("interrupted: name=" + object.name(), e);
      }
    }
  }

  private GetObjectResponse read(long first, MemorySegment range) {
    GetObjectRequest request =
        GetObjectRequest.builder()
            .bucket(object.location().bucket())
            .key(object.location().key())
            .range("bytes=%d-%d".formatted(first, first + range.byteSize() - 1))
            .ifMatch(object.etag())
            .build();
    GetObjectResponse answer =
        S3Failure.explained(
            object.location(),
            () ->
                s3.getObject(
                    request,
                    (response, bytes) -> {
                      if (response.contentLength() == range.byteSize()) {
                        fill(range, bytes);
                      }
                      return response;
                    }));
    if (answer.contentLength() != range.byteSize()) {
      // The object's first bytes, from a server that does not know ranges.
      throw SdkClientException.create(
          "an answer is as long as the range: name=%s range=%d answer=%d"
              .formatted(object.name(), range.byteSize(), answer.contentLength()));
    }
    return answer;
  }

  private void fill(MemorySegment range, InputStream bytes) {
    byte[] chunk = new byte[CHUNK];
    try {
      for (long at = 0; at < range.byteSize(); ) {
        int read = bytes.read(chunk, 0, (int) Math.min(CHUNK, range.byteSize() - at));
        if (read < 0) {
          throw new IOException("the stream ended early: bytes=" + at);
        }
        MemorySegment.copy(chunk, 0, range, ValueLayout.JAVA_BYTE, at, read);
        at += read;
      }
    } catch (IOException e) {
      throw RetryableException.create("a range broke off: name=" + object.name(), e);
    }
  }

  private static RuntimeException unchecked(ExecutionException e) {
    return switch (e.getCause()) {
      case RuntimeException failure -> failure;
      case Error error -> throw error;
      case null, default -> new IllegalStateException(e); // no range throws anything checked
    };
  }
}
