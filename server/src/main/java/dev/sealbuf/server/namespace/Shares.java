package dev.sealbuf.server.namespace;

import dev.sealbuf.server.host.ControlGroup;
import dev.sealbuf.server.store.Headroom;
import dev.sealbuf.server.store.StoreConfig;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What each namespace may take of what the control group leaves. Where that is less than what they
/// were told, it is the namespace `default` that has less.
final class Shares {
  private Shares() {}

  /// Bytes, by name.
  ///
  /// @param used what they have taken already
  /// @throws IOException when that is too little for a store
  static Map<String, Long> of(List<NamespaceConfig> configs, long used) throws IOException {
    long asked = configs.stream().mapToLong(NamespaceConfig::capacity).sum();
    long missing = asked - used - Headroom.capacity(asked - used, ControlGroup.own());
    Map<String, Long> shares = new LinkedHashMap<>();
    for (NamespaceConfig each : configs) {
      boolean yields = each.isDefault();
      shares.put(each.name(), each.capacity() - (yields ? missing : 0));
    }
    long room = shares.getOrDefault(NamespaceConfig.DEFAULT, StoreConfig.CAPACITY_MIN);
    if (room < StoreConfig.CAPACITY_MIN) {
      throw new IOException(
          "the control group leaves no room for a store: room=%d min=%d"
              .formatted(room, StoreConfig.CAPACITY_MIN));
    }
    return shares;
  }
}
