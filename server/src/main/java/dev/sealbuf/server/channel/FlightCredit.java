package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Fd;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/// How many descriptors may be on their way to clients that have not read them yet.
///
/// The kernel counts a descriptor in flight against the uid that sent it, the daemon's, until its
/// receiver reads it; past RLIMIT_NOFILE it refuses every send of that uid (ETOOMANYREFS, unix(7)).
/// Without bounds a few clients that ask and do not read would take that from all others. So a
/// session may have SESSION_MAX in flight, and the sessions of one uid together a quarter of the
/// limit. What a session is charged ends when its peer has read everything, which is looked at
/// before each send; a peer that reads is therefore charged for its last frame at most.
final class FlightCredit {
  static final int SESSION_MAX = 16;
  private static final int UID_SHARE = 4;

  private final long maxOfUid;
  private final Map<Integer, Integer> ofUid = new HashMap<>();

  /// @param descriptors what the process may open, RLIMIT_NOFILE
  FlightCredit(long descriptors) {
    this.maxOfUid = Math.max(SESSION_MAX, descriptors / UID_SHARE);
  }

  /// One session's part.
  ///
  /// @param socket the session's
  Share share(int uid, Fd socket) {
    return new Share(uid, socket);
  }

  int ofUid(int uid) {
    return ofUid.getOrDefault(uid, 0);
  }

  /// Closing it gives everything back.
  final class Share implements AutoCloseable {
    private final int uid;
    private final Fd socket;
    private int own;

    private Share(int uid, Fd socket) {
      this.uid = uid;
      this.socket = socket;
    }

    /// Whether so many more may be sent now; they are charged by [#sent].
    boolean admits(int descriptors) throws IOException {
      if (own > 0 && Descriptors.unread(socket) == 0) {
        charge(-own);
      }
      return own + descriptors <= SESSION_MAX && ofUid(uid) + descriptors <= maxOfUid;
    }

    void sent(int descriptors) {
      if (descriptors > 0) {
        charge(descriptors);
      }
    }

    private void charge(int descriptors) {
      own += descriptors;
      ofUid.merge(uid, descriptors, (old, more) -> old + more == 0 ? null : old + more);
    }

    @Override
    public void close() {
      if (own > 0) {
        charge(-own);
      }
    }
  }
}
