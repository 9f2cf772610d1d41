package dev.sealbuf.examples.s3;

/// `s3://BUCKET/KEY`, which is also the name of the published buffer; without a key or with one
/// that ends with a slash, all objects below it.
record Location(String bucket, String key) {
  private static final String SCHEME = "s3://";

  static Location parse(String text) {
    String path = text.startsWith(SCHEME) ? text.substring(SCHEME.length()) : "";
    int slash = path.indexOf('/');
    String bucket = slash < 0 ? path : path.substring(0, slash);
    if (bucket.isEmpty()) {
      throw new IllegalArgumentException(
          "an object is s3://BUCKET/KEY, all below a prefix s3://BUCKET/PREFIX/: given=" + text);
    }
    return new Location(bucket, slash < 0 ? "" : path.substring(slash + 1));
  }

  boolean isPrefix() {
    return key.isEmpty() || key.endsWith("/");
  }

  @Override
  public String toString() {
    return SCHEME + bucket + "/" + key;
  }
}
