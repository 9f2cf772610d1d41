package dev.sealbuf.server.session;

import dev.sealbuf.server.store.Store;
import java.util.function.IntSupplier;

/// What all sessions of a daemon share.
///
/// @param version the daemon's version, as `welcome` announces it
/// @param sessions how many clients are connected now
public record Service(Store store, String version, IntSupplier sessions, EventFrames events) {
  public Service(Store store, String version, IntSupplier sessions) {
    this(store, version, sessions, new EventFrames());
  }
}
