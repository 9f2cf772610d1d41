package dev.sealbuf.server.session;

import dev.sealbuf.server.namespace.Namespaces;

/// What all sessions of a daemon share.
///
/// @param version the daemon's version, as `welcome` announces it
public record Service(Namespaces namespaces, String version, EventFrames events) {
  public Service(Namespaces namespaces, String version) {
    this(namespaces, version, new EventFrames());
  }
}
