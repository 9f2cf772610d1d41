package dev.sealbuf.examples.s3;

/// An object as S3 described it.
///
/// @param etag changes with the bytes
record ObjectVersion(Location location, long nbytes, String etag) {
  String name() {
    return location.toString();
  }
}
