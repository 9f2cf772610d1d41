package dev.sealbuf.examples.s3;

import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealbufException;
import dev.sealbuf.client.SealedBuffer;
import dev.sealbuf.client.SocketPath;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;

/// Reads objects of S3 straight into shared memory and publishes each under its address.
///
/// `S3Producer s3://BUCKET/KEY s3://BUCKET/PREFIX/ ...`
///
/// However many processes of the host ask for the same object at the same time, one of them
/// downloads it: `getOrCreate` gives one the right to make the buffer, the others wait for it. If
/// that one fails or is killed, the next one downloads.
///
/// Region, credentials and endpoint are found as by every program with an AWS SDK: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_S3` and so on. The daemon's socket is that
/// of the other Sealbuf programs: `SEALBUF_SOCKET`.
public final class S3Producer {
  /// How long to wait for another process's download, or for the daemon.
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final S3Client s3;
  private final Sealbuf store;

  S3Producer(S3Client s3, Sealbuf store) {
    this.s3 = s3;
    this.store = store;
  }

  public static void main(String[] args) {
    System.exit(run(args));
  }

  private static int run(String[] args) {
    if (args.length == 0) {
      System.err.println("usage: S3Producer s3://BUCKET/KEY s3://BUCKET/PREFIX/ ...");
      return 2;
    }
    try (S3Client s3 = client(System.getenv());
        Sealbuf store = Sealbuf.connect(SocketPath.resolve(), PATIENCE)) {
      S3Producer producer = new S3Producer(s3, store);
      for (Location location : Stream.of(args).map(Location::parse).toList()) {
        producer.publish(location);
      }
      return 0;
    } catch (S3Failure | SdkException | SealbufException | IllegalArgumentException e) {
      System.err.println("S3Producer: " + e.getMessage());
      return 1;
    }
  }

  /// Other stores that speak S3 have no host name for each bucket.
  static S3Client client(Map<String, String> environment) {
    boolean elsewhere =
        environment.containsKey("AWS_ENDPOINT_URL_S3")
            || environment.containsKey("AWS_ENDPOINT_URL");
    return S3Client.builder()
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .forcePathStyle(elsewhere)
        .build();
  }

  /// Sees to it that the object, or every object below the prefix, is published.
  void publish(Location location) {
    S3Failure.explained(location, () -> versions(location)).forEach(this::publish);
  }

  private List<ObjectVersion> versions(Location location) {
    if (!location.isPrefix()) {
      HeadObjectResponse head =
          s3.headObject(request -> request.bucket(location.bucket()).key(location.key()));
      return List.of(new ObjectVersion(location, head.contentLength(), head.eTag()));
    }
    return s3
        .listObjectsV2Paginator(request -> request.bucket(location.bucket()).prefix(location.key()))
        .contents()
        .stream()
        .map(object ->
            new ObjectVersion(
                new Location(location.bucket(), object.key()), object.size(), object.eTag()))
        .filter(object -> !object.location().isPrefix()) // the empty objects that stand for folders
        .toList();
  }

  private void publish(ObjectVersion object) {
    RangedDownload download = new RangedDownload(s3, object);
    AtomicBoolean downloaded = new AtomicBoolean();
    long start = System.nanoTime();
    try (SealedBuffer buffer =
        store.getOrCreate(
            object.name(),
            object.nbytes(),
            memory -> {
              downloaded.set(true);
              download.into(memory);
            })) {
      IO.println(
          "%s %s bytes=%d ms=%d"
              .formatted(
                  downloaded.get() ? "downloaded" : "shared",
                  buffer.name(),
                  buffer.nbytes(),
                  (System.nanoTime() - start) / 1_000_000));
    }
  }
}
