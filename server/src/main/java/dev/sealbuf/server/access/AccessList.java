package dev.sealbuf.server.access;

import dev.sealbuf.memory.PeerCredentials;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Who may do what in a namespace. The daemon's own uid may do everything, and is in no list.
public record AccessList(
    List<Principal> read, List<Principal> publish, List<Principal> administer) {
  public AccessList {
    read = List.copyOf(read);
    publish = List.copyOf(publish);
    administer = List.copyOf(administer);
  }

  /// The greatest right that a peer has; none if it is meant nowhere.
  ///
  /// @param mapped as for [Principal#means]
  public Optional<Right> of(PeerCredentials peer, boolean mapped) {
    if (means(administer, peer, mapped)) {
      return Optional.of(Right.ADMINISTER);
    }
    if (means(publish, peer, mapped)) {
      return Optional.of(Right.PUBLISH);
    }
    return means(read, peer, mapped) ? Optional.of(Right.READ) : Optional.empty();
  }

  private static boolean means(List<Principal> list, PeerCredentials peer, boolean mapped) {
    return list.stream().anyMatch(each -> each.means(peer, mapped));
  }

  /// Whether a uid is named by its number.
  public boolean names(long uid) {
    return Stream.of(read, publish, administer)
        .flatMap(List::stream)
        .anyMatch(new Principal.User(uid)::equals);
  }
}
