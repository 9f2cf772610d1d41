package dev.sealbuf.server.store;

import dev.sealbuf.memory.Lease;
import dev.sealbuf.protocol.HoldingPayload;
import dev.sealbuf.protocol.Limits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Makes the rows of `holders` out of what the ledger says, what a lease says, and what `/proc`
/// shows.
///
/// A segment that nobody else has is not told of. Of one that somebody has: a living session is
/// `mapped` if its process is seen to map it, left out if the process can be looked at and does
/// not, and `may hold` it otherwise. A session that has ended is `gone`: if its process is there no
/// more, only when the segment was deleted or no other row explains it, since otherwise every
/// session there ever was would be told of. Nobody at all is one row, `unknown`.
///
/// What only a hold keeps is told of under the session that asked for it: the ledger has it as if
/// it had been handed the segment, and it is `may hold`, or `gone`, though its process maps
/// nothing.
///
/// On a worker.
final class HolderRows {
  private static final int ROOT = 0;

  private final int daemonUid;
  private final ProcessMaps maps;

  HolderRows(int daemonUid, ProcessMaps maps) {
    this.daemonUid = daemonUid;
    this.maps = maps;
  }

  /// A page; it ends early when it is full.
  Holdings page(List<Holders.Case> cases, long cursorAfter) {
    HoldingPayload payload = new HoldingPayload();
    for (Holders.Case each : cases) {
      List<HoldingPayload.Row> rows = rows(each);
      for (int i = each.place().skipped(); i < rows.size(); i++) {
        if (payload.count() == Limits.LIST_MAX || !payload.add(rows.get(i))) {
          long cursor = each.place().skipping(i).packed();
          return new Holdings(payload.count(), cursor, payload.bytes());
        }
      }
    }
    return new Holdings(payload.count(), cursorAfter, payload.bytes());
  }

  private List<HoldingPayload.Row> rows(Holders.Case each) {
    if (!isHeld(each.candidate())) {
      return List.of();
    }
    long inode = each.candidate().inodeNow();
    List<HoldingPayload.Row> rows = new ArrayList<>();
    List<HoldingPayload.Row> past = new ArrayList<>();
    for (Ledger.Holder holder : each.holders()) {
      boolean holds = each.holding().contains(holder.peer().session());
      Optional<String> state = state(holder, holds, inode);
      List<HoldingPayload.Row> to = isPast(holder) && !each.candidate().isDeleted() ? past : rows;
      state.ifPresent(text -> to.add(row(each.candidate(), holder, text)));
    }
    if (rows.isEmpty()) {
      rows.addAll(past);
    }
    if (rows.isEmpty()) {
      rows.add(row(each.candidate(), Ledger.Holder.UNKNOWN, "unknown"));
    }
    return rows;
  }

  private static boolean isHeld(Holders.Candidate candidate) {
    if (candidate.description().isEmpty()) {
      return true;
    }
    try {
      return Lease.probe(candidate.description().get()) == Lease.Answer.HELD;
    } catch (IOException | IllegalStateException _) {
      return false; // closed since: it is held, or gone, and told of there
    }
  }

  /// Ended, and its process with it.
  private boolean isPast(Ledger.Holder holder) {
    return holder.ended() && !maps.exists(holder.peer().pid());
  }

  /// Empty when the process is seen not to have it, and no hold keeps it that its session asked
  /// for.
  private Optional<String> state(Ledger.Holder holder, boolean holds, long inode) {
    Optional<Set<Long>> mapped =
        daemonUid == ROOT || holder.peer().uid() == daemonUid
            ? maps.segments(holder.peer().pid())
            : Optional.empty();
    boolean maps = mapped.isPresent() && mapped.get().contains(inode);
    if (mapped.isPresent() && !maps && !holds) {
      return Optional.empty();
    }
    String living = maps ? "mapped" : "may hold";
    return Optional.of(holder.ended() ? "gone" : living);
  }

  private static HoldingPayload.Row row(
      Holders.Candidate candidate, Ledger.Holder holder, String state) {
    return new HoldingPayload.Row(
        candidate.kind().name().toLowerCase(Locale.ROOT),
        candidate.number(),
        candidate.bytes(),
        candidate.name(),
        candidate.isDeleted(),
        holder.peer().session(),
        Integer.toUnsignedLong(holder.peer().uid()),
        holder.peer().pid(),
        holder.client(),
        state);
  }
}
