package dev.sealbuf.server.namespace;

import dev.sealbuf.server.host.ControlGroup;
import dev.sealbuf.server.store.Headroom;
import dev.sealbuf.server.store.StoreConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// What a namespace may take of what the control group leaves. Where that is less than what all
/// were told, it is the namespace `default` that has less.
///
/// @param capacity bytes
record Share(NamespaceConfig config, long capacity) {
  /// That of each.
  ///
  /// @param used what they have taken already
  /// @throws IOException when that is too little for a store
  static List<Share> of(List<NamespaceConfig> configs, long used) throws IOException {
    long asked = configs.stream().mapToLong(NamespaceConfig::capacity).sum();
    long missing = asked - used - Headroom.capacity(asked - used, ControlGroup.own());
    List<Share> shares = new ArrayList<>(configs.size());
    for (NamespaceConfig each : configs) {
      long room = each.capacity() - (each.isDefault() ? missing : 0);
      if (each.isDefault() && room < StoreConfig.CAPACITY_MIN) {
        throw new IOException(
            "the control group leaves no room for a store: room=%d min=%d"
                .formatted(room, StoreConfig.CAPACITY_MIN));
      }
      shares.add(new Share(each, room));
    }
    return shares;
  }
}
