package dev.sealbuf.server.namespace;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.server.host.ControlGroup;
import dev.sealbuf.server.store.Clock;
import dev.sealbuf.server.store.Headroom;
import dev.sealbuf.server.store.Refusal;
import dev.sealbuf.server.store.Store;
import dev.sealbuf.server.store.StoreConfig;
import dev.sealbuf.server.watch.Watch;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;

/// The namespaces of a daemon. Each has memory, slabs, catalog and numbers of its own, and equal
/// parts of the daemon's descriptors and heap, so that whoever fills one leaves the others as they
/// are. What they share is the event loop and what the control group leaves.
///
/// Belongs to the loop's thread.
public final class Namespaces implements AutoCloseable {
  private final Map<String, Namespace> byName = new LinkedHashMap<>();
  private final long daemonUid;
  private final long overflowUid;

  private Namespaces(long daemonUid, long overflowUid) {
    this.daemonUid = daemonUid;
    this.overflowUid = overflowUid;
  }

  /// Opens a store for each.
  ///
  /// @param segmentsMax of all together
  /// @param server version of the daemon
  /// @throws IOException when the control group of this process leaves too little; nothing is open
  ///   then
  public static Namespaces open(
      List<NamespaceConfig> configs,
      int segmentsMax,
      String server,
      ScheduledExecutorService loop,
      Watch watch)
      throws IOException {
    long daemonUid = PeerCredentials.ownUid();
    Namespaces opened = new Namespaces(daemonUid, PeerCredentials.overflowUid());
    List<Share> shares = Share.of(configs, 0);
    Headroom headroom = new Headroom(ControlGroup.own(), Clock.system());
    try {
      for (Share share : shares) {
        NamespaceConfig each = share.config();
        StoreConfig config =
            new StoreConfig(
                share.capacity(),
                each.capacity(),
                segmentsMax / configs.size(),
                Runtime.getRuntime().maxMemory() / configs.size(),
                (int) daemonUid,
                server,
                each.policy(),
                each.quota(),
                headroom,
                Clock.system(),
                new SecureRandom());
        Store store = Store.open(config, loop, watch);
        opened.byName.put(each.name(), new Namespace(each, store));
      }
      return opened;
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /// Goes on as told; a namespace that is not spoken of goes on as it is, and one that is not there
  /// does not appear: `default` has what those leave that are. What is there already stays; a store
  /// that has more than it may is full until it has less.
  ///
  /// @throws IOException when too little is left for `default`; then nothing is changed
  public void change(List<NamespaceConfig> configs) throws IOException {
    for (Share share : Share.of(ofThose(configs), used())) {
      requireNonNull(byName.get(share.config().name())).change(share.config(), share.capacity());
    }
  }

  /// What the namespaces that are there are told, with the capacity of all together.
  private List<NamespaceConfig> ofThose(List<NamespaceConfig> configs) throws IOException {
    Map<String, NamespaceConfig> next = new LinkedHashMap<>();
    byName.forEach((name, namespace) -> next.put(name, namespace.config()));
    configs.forEach(each -> next.replace(each.name(), each));
    long rest = configs.stream().mapToLong(NamespaceConfig::capacity).sum();
    for (NamespaceConfig each : next.values()) {
      rest -= each.isDefault() ? 0 : each.capacity();
    }
    if (rest < StoreConfig.CAPACITY_MIN) {
      throw new IOException(
          "the namespaces that are there until another start leave too little for default: bytes=%d min=%d"
              .formatted(rest, StoreConfig.CAPACITY_MIN));
    }
    long left = rest;
    return next.values().stream()
        .map(each -> each.isDefault() ? each.withCapacity(left) : each)
        .toList();
  }

  /// What all stores together may take: what they were told, or less.
  public long capacity() {
    return byName.values().stream().mapToLong(each -> each.store().capacity()).sum();
  }

  private long used() {
    return byName.values().stream().mapToLong(each -> each.store().used()).sum();
  }

  /// Lets a session in. Whether a namespace is not there or not open to its uid it is not told.
  public Membership enter(String name, PeerCredentials peer) throws Refusal {
    Namespace namespace = byName.get(name);
    Optional<Right> right = namespace == null ? Optional.empty() : right(namespace, peer);
    if (namespace == null || right.isEmpty()) {
      throw new Refusal(
          ErrorCode.NOT_PERMITTED,
          "no such namespace, or not open to this uid: namespace=%s uid=%d"
              .formatted(Names.printable(name), peer.uid()));
    }
    return namespace.enter(peer, right.get());
  }

  private Optional<Right> right(Namespace namespace, PeerCredentials peer) {
    return peer.uid() == daemonUid
        ? Optional.of(Right.ADMINISTER)
        : namespace.access().of(peer, peer.uid() != overflowUid);
  }

  /// Whether a namespace names this uid by its number.
  public boolean names(long uid) {
    return byName.values().stream().anyMatch(each -> each.access().names(uid));
  }

  @Override
  public void close() {
    byName.values().forEach(each -> each.store().close());
  }
}
