package dev.sealbuf.server.channel;

import dev.sealbuf.memory.PeerCredentials;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongPredicate;

/// Who may connect: the daemon's own uid, and the members of one group. Nobody else, uid 0
/// included: root can become the daemon's uid if it wants to talk to it.
///
/// The overflow uid is refused even in the group, unless a namespace names it: behind a user
/// namespace every foreign uid arrives as that one, so it says nothing about who asks.
///
/// @param daemonUid uid the daemon runs as
/// @param group gid whose members may connect as well
/// @param overflowUid what the kernel shows for a uid it cannot map
/// @param named whether a namespace names a uid
record PeerPolicy(long daemonUid, OptionalLong group, long overflowUid, LongPredicate named) {

  /// The policy of a daemon with this process's uid.
  ///
  /// @throws CannotServeException when that uid could be anybody's
  static PeerPolicy of(OptionalLong group, LongPredicate named) throws IOException {
    long own = PeerCredentials.ownUid();
    long overflow = PeerCredentials.overflowUid();
    if (own == overflow) {
      throw new CannotServeException(
          "the daemon cannot run as the uid that stands for all unmapped ones: uid=" + own);
    }
    return new PeerPolicy(own, group, overflow, named);
  }

  /// Why a peer may not connect, with what to do about it; empty for a peer that may.
  Optional<String> refusal(PeerCredentials peer) {
    if (peer.uid() == overflowUid && !named.test(overflowUid)) {
      return Optional.of(
          "the uid that stands for all unmapped uids is served only where a namespace names it: uid=%d; run the client in the daemon's user namespace"
              .formatted(peer.uid()));
    }
    if (peer.uid() == daemonUid || isMember(peer)) {
      return Optional.empty();
    }
    return Optional.of(
        group.isPresent()
            ? "only the daemon's uid and members of its group may connect: uid=%d daemon=%d group=%d; join the group and log in anew"
                .formatted(peer.uid(), daemonUid, group.getAsLong())
            : "only the daemon's uid may connect: uid=%d daemon=%d; start the daemon with --group to share it"
                .formatted(peer.uid(), daemonUid));
  }

  private boolean isMember(PeerCredentials peer) {
    return group.isPresent()
        && (peer.gid() == group.getAsLong() || peer.groups().contains(group.getAsLong()));
  }
}
