package dev.sealbuf.server.store;

import dev.sealbuf.memory.Memfd;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.SharedSegment;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// A segment that the daemon has let go of and that is not known to be gone.
///
/// Its charge is open while somebody is known to hold it, and closed while nobody was seen to and
/// the end is only a matter of a worker's time.
final class HeldSegment {
  private final SegmentKind kind;
  private final long number;
  private final long bytes;
  private final long inode;
  private final String name;
  private Account.Charge charge;

  /// Who owed it until the daemon let go of it.
  private final List<Integer> owners;

  private boolean held;

  HeldSegment(SharedSegment segment, String name, Account.Charge charge) {
    this.kind = segment.kind();
    this.number = segment.number();
    this.bytes = segment.bytes();
    this.inode = inode(segment);
    this.name = name;
    this.charge = charge;
    this.owners = charge.debtors();
  }

  /// By this number it is found in a process's memory map; 0 is found in none.
  private static long inode(SharedSegment segment) {
    try {
      return Memfd.stat(segment.description()).inode();
    } catch (IOException _) {
      return 0;
    }
  }

  SegmentKind kind() {
    return kind;
  }

  long number() {
    return number;
  }

  long bytes() {
    return bytes;
  }

  long inode() {
    return inode;
  }

  /// Of the buffer it was, empty when it was shared by many.
  String name() {
    return name;
  }

  boolean isHeld() {
    return held;
  }

  Account.Charge charge() {
    return charge;
  }

  /// Somebody holds it.
  ///
  /// @param uids that may be it
  void hold(Quota quota, Set<Integer> uids) {
    held = true;
    charge.becomes(Account.Kind.HELD);
    owe(quota, uids);
  }

  /// Somebody holds it who could not be seen when it was let go of.
  void holdAfterAll(Account account, Quota quota, Set<Integer> uids) {
    held = true;
    charge = account.chargeHeld(bytes);
    owe(quota, uids);
  }

  /// Somebody more may hold it.
  void holdAsWell(Quota quota, int uid) {
    Set<Integer> uids = new TreeSet<>(charge.debtors());
    if (uids.add(uid)) {
      owe(quota, uids);
    }
  }

  private void owe(Quota quota, Set<Integer> uids) {
    Set<Integer> all = new TreeSet<>(uids);
    all.addAll(owners);
    charge.owedBy(quota.owe(all, bytes));
  }
}
