package dev.sealbuf.server.namespace;

import dev.sealbuf.server.access.AccessList;
import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.Quota;

/// What the configuration says of a namespace.
///
/// @param capacity bytes of memory it may take, catalog and slabs included
public record NamespaceConfig(
    String name, long capacity, AccessList access, NamespacePolicy policy, Quota.Limits quota) {
  /// The namespace of whoever names none. There always is one.
  public static final String DEFAULT = "default";

  /// Whether it has what the others leave.
  boolean isDefault() {
    return name.equals(DEFAULT);
  }

  NamespaceConfig withCapacity(long bytes) {
    return new NamespaceConfig(name, bytes, access, policy, quota);
  }
}
