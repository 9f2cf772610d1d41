package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Fd;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;

/// How many descriptors may be on their way to clients that have not read them yet.
///
/// The kernel counts a descriptor in flight against the uid that sent it, the daemon's, until its
/// receiver reads it; past RLIMIT_NOFILE it refuses every send of that uid (ETOOMANYREFS, unix(7)).
/// Without bounds a few clients that ask and do not read would take that from all others. So a
/// session may have SESSION_MAX in flight, and the sessions of one uid together a quarter of the
/// limit. What a session is charged ends when its peer has read everything. The kernel does not
/// tell of that, so it is looked at before each send; and where the uid's part is used up, at some
/// of its other sessions, too: a thousand that have read their last reply stand in nobody's way.
final class FlightCredit {
  static final int SESSION_MAX = 16;
  private static final int UID_SHARE = 4;

  /// Sessions that are looked at for one send; a look costs 0.3 us.
  private static final int LOOKS = 16;

  /// What one uid is charged, and which of its sessions, longest not looked at first.
  private static final class OfUid {
    final SequencedSet<Share> charged = new LinkedHashSet<>();
    int descriptors;
  }

  private final long maxOfUid;
  private final Map<Integer, OfUid> byUid = new HashMap<>();

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
    OfUid all = byUid.get(uid);
    return all == null ? 0 : all.descriptors;
  }

  /// Looks whether some sessions of the uid have read what they are charged for.
  private void settleSome(int uid) {
    OfUid all = byUid.getOrDefault(uid, new OfUid());
    for (int looks = Math.min(LOOKS, all.charged.size()); looks > 0; looks--) {
      Share oldest = all.charged.removeFirst();
      all.charged.addLast(oldest);
      oldest.settleQuietly();
    }
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
      settle();
      if (own + descriptors > SESSION_MAX) {
        return false;
      }
      if (ofUid(uid) + descriptors > maxOfUid) {
        settleSome(uid);
      }
      return ofUid(uid) + descriptors <= maxOfUid;
    }

    void sent(int descriptors) {
      if (descriptors > 0) {
        charge(descriptors);
      }
    }

    private void settle() throws IOException {
      if (own > 0 && Descriptors.unread(socket) == 0) {
        charge(-own);
      }
    }

    /// For a session that did not ask.
    private void settleQuietly() {
      try {
        settle();
      } catch (IOException _) {
        // what closes it gives everything back
      }
    }

    private void charge(int descriptors) {
      own += descriptors;
      OfUid all = byUid.computeIfAbsent(uid, _ -> new OfUid());
      all.descriptors += descriptors;
      if (own > 0) {
        all.charged.add(this);
      } else {
        all.charged.remove(this);
      }
      if (all.descriptors == 0) {
        byUid.remove(uid);
      }
    }

    @Override
    public void close() {
      if (own > 0) {
        charge(-own);
      }
    }
  }
}
