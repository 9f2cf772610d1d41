package dev.sealbuf.server.verify;

/// A worker ended before it answered.
final class WorkerEndedException extends Exception {
  WorkerEndedException(String message) {
    super(message);
  }
}
