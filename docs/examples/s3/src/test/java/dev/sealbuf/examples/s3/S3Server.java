package dev.sealbuf.examples.s3;

import java.io.InputStream;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CreateBucketRequest;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/// An S3 on the loopback interface: S3Proxy in this process, over a file system in memory. It keeps
/// the ranges that it was asked for, and a test can step in before one is answered.
final class S3Server implements AutoCloseable {
  static final String BUCKET = "bucket";
  private static final String KEY_ID = "tester";
  private static final String SECRET = "secret";
  private static final String REGION = "us-east-1";
  private static final Step AS_ASKED = (_, answer) -> answer.bytes();

  private final Recorder store = new Recorder();
  private final S3Proxy proxy;

  /// What lies between the server and the objects.
  private static final class Recorder extends ForwardingBlobStore {
    private final List<String> ranges = new CopyOnWriteArrayList<>();
    private volatile Step step = AS_ASKED;

    private Recorder() {
      super(new TransientNio2BlobStore());
    }

    @Override
    public ResponseInputStream<GetObjectResponse> getBlob(GetObjectRequest request) {
      ranges.add(request.range());
      return step.get(ranges.size(), () -> super.getBlob(request));
    }
  }

  /// The objects' own answer to a GET.
  @FunctionalInterface
  interface Answer {
    ResponseInputStream<GetObjectResponse> bytes();
  }

  /// What a test does at a GET, the first of which is number 1.
  @FunctionalInterface
  interface Step {
    ResponseInputStream<GetObjectResponse> get(int number, Answer answer);
  }

  S3Server() throws Exception {
    store.createContainer(CreateBucketRequest.builder().bucket(BUCKET).build());
    proxy =
        S3Proxy.builder()
            .blobStore(store)
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, KEY_ID, SECRET)
            .build();
    proxy.start();
  }

  Location put(String key, long nbytes, InputStream bytes) {
    store.putBlob(
        PutObjectRequest.builder().bucket(BUCKET).key(key).contentLength(nbytes).build(), bytes);
    return new Location(BUCKET, key);
  }

  void at(Step step) {
    store.step = step;
  }

  /// As in the requests' Range, in the order in which they came.
  List<String> ranges() {
    return List.copyOf(store.ranges);
  }

  /// The ranges and the step; the objects stay.
  void forget() {
    store.ranges.clear();
    store.step = AS_ASKED;
  }

  /// For a program, what it needs to be a client.
  Map<String, String> environment() {
    return Map.of(
        "AWS_ENDPOINT_URL_S3", endpoint().toString(),
        "AWS_REGION", REGION,
        "AWS_ACCESS_KEY_ID", KEY_ID,
        "AWS_SECRET_ACCESS_KEY", SECRET);
  }

  S3Client client() {
    return S3Client.builder()
        .endpointOverride(endpoint())
        .region(Region.of(REGION))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY_ID, SECRET)))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .forcePathStyle(true)
        .build();
  }

  private URI endpoint() {
    return URI.create("http://127.0.0.1:" + proxy.getPort());
  }

  @Override
  public void close() {
    try {
      proxy.stop();
    } catch (Exception e) { // which is what stop declares
      throw new AssertionError("S3Proxy does not stop", e);
    }
    store.close();
  }
}
