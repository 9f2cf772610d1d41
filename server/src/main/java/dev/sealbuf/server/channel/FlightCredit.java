package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Fd;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// How many descriptors may be on their way to clients that have not read them yet.
///
/// The kernel counts a descriptor in flight against the uid that sent it, the daemon's, until its
/// receiver reads it; past RLIMIT_NOFILE it refuses every send of that uid (ETOOMANYREFS, unix(7)).
/// Without bounds a few clients that ask and do not read would take that from all others. So a
/// session may have SESSION_MAX in flight, and the sessions of one uid together a quarter of the
/// limit. What a session is charged ends when its peer has read everything. The kernel does not
/// tell of that, so it is looked at before each send; and where the uid's part is used up, at some
/// of its other sessions, too: a thousand that have read their last reply stand in nobody's way.
///
/// A session may end before its peer has read, and the peer may keep its end open: what is in
/// flight stays so, and only an open socket shows when that is over. So a duplicate of the socket
/// is kept, looked at again and again, and everything stays charged until then. Otherwise a client
/// that ends one session after the other would use up the kernel's count for everybody.
final class FlightCredit implements AutoCloseable {
  static final int SESSION_MAX = 16;
  private static final int UID_SHARE = 4;

  /// Sessions that are looked at for one send; a look costs 0.3 us.
  private static final int LOOKS = 16;

  /// How often sockets are looked at that outlived their sessions, while there are any, and at how
  /// many at once.
  private static final long LEFT_LOOK_MILLIS = 100;

  private static final int LEFT_LOOKS = 256;

  /// What one uid is charged, and which of its sessions, longest not looked at first.
  private static final class OfUid {
    final SequencedSet<Share> charged = new LinkedHashSet<>();
    int descriptors;
  }

  private final long maxOfUid;
  private final ScheduledExecutorService loop;
  private final Map<Integer, OfUid> byUid = new HashMap<>();

  /// Those whose sessions have ended, longest not looked at first.
  private final SequencedSet<Share> left = new LinkedHashSet<>();

  private boolean looking;

  /// @param descriptors what the process may open, RLIMIT_NOFILE
  FlightCredit(long descriptors, ScheduledExecutorService loop) {
    this.maxOfUid = Math.max(SESSION_MAX, descriptors / UID_SHARE);
    this.loop = loop;
  }

  /// Gives up every socket that outlived its session.
  @Override
  public void close() {
    Set.copyOf(left).forEach(Share::giveBack);
  }

  private void keep(Share share) {
    left.add(share);
    if (!looking) {
      lookLater();
    }
  }

  private void lookLater() {
    looking = true;
    var _ = loop.schedule(this::lookAtLeft, LEFT_LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void lookAtLeft() {
    for (int looks = Math.min(LEFT_LOOKS, left.size()); looks > 0; looks--) {
      Share oldest = left.removeFirst();
      left.addLast(oldest);
      oldest.settleQuietly();
    }
    looking = false;
    if (!left.isEmpty()) {
      lookLater();
    }
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

  /// It ends with [#end], or without another look when it is closed.
  final class Share implements AutoCloseable {
    private final int uid;
    private Fd socket;
    private Runnable onceRead = () -> {};
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

    /// The session ends: its socket is closed right behind this, but what its peer has not read
    /// stays charged until it has. Does nothing when it has been done.
    void end() {
      if (left.contains(this)) {
        return;
      }
      try {
        settle();
        if (own > 0) {
          Descriptors.shutDown(socket);
          socket = socket.dup();
          keep(this);
        }
      } catch (IOException _) {
        giveBack(); // without a descriptor for it nothing more would be seen
      }
    }

    /// The socket is gone. Does nothing to what outlives it.
    @Override
    public void close() {
      if (!left.contains(this)) {
        giveBack();
      }
    }

    /// Runs this when nothing is charged any more, now or later.
    void onceRead(Runnable task) {
      if (own == 0) {
        task.run();
      } else {
        onceRead = task;
      }
    }

    private void settle() throws IOException {
      if (own > 0 && Descriptors.unread(socket) == 0) {
        giveBack();
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

    private void giveBack() {
      charge(-own);
      if (left.remove(this)) {
        socket.close();
        onceRead.run();
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
  }
}
