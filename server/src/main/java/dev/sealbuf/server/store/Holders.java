package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.SharedSegment;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/// Answers `holders`: who has what, as far as can be known.
///
/// ```
/// loop:    the next segments of a walk, and who was handed each (Ledger)
/// worker:  is it held at all (lease)? what do processes map (/proc)? -> rows (HolderRows)
/// ```
///
/// The walk goes over catalog segments, slabs, published dedicated segments and held ones, each in
/// the order of numbers. A cursor is a place in it and the number of rows of that segment that were
/// told already; the daemon keeps nothing between two pages.
final class Holders {
  /// Segments of one page: that many leases and look-ups in the ledger.
  private static final int SEGMENTS_A_PAGE = 256;

  /// Look-ups in the ledger, one for each segment and session: a millisecond or two on the loop.
  private static final long LOOKS_A_PAGE = 50_000;

  /// One kind of segments in the order of their numbers.
  @FunctionalInterface
  interface Source {
    /// The first at this position or a greater one.
    Optional<Candidate> from(long number);
  }

  /// A segment to tell of.
  ///
  /// @param description to ask the kernel by; empty for one that is known to be held
  /// @param inode of a held one
  /// @param name of the buffer in it; empty when several share it
  record Candidate(
      SegmentKind kind,
      long number,
      long bytes,
      Optional<Fd> description,
      long inode,
      String name) {
    static Candidate live(SharedSegment segment, String name) {
      return new Candidate(
          segment.kind(),
          segment.number(),
          segment.bytes(),
          Optional.of(segment.description()),
          0,
          name);
    }

    static Candidate held(HeldSegment segment) {
      return new Candidate(
          segment.kind(),
          segment.number(),
          segment.bytes(),
          Optional.empty(),
          segment.inode(),
          segment.name());
    }

    boolean isDeleted() {
      return description.isEmpty();
    }

    long key() {
      return SegmentKey.of(kind, number);
    }

    /// What its kind is ordered by: held segments of all kinds by their keys.
    long position() {
      return isDeleted() ? key() : number;
    }

    /// By which it is found in memory maps; 0 when it is gone.
    long inodeNow() {
      try {
        return description.isPresent() ? Memfd.stat(description.get()).inode() : inode;
      } catch (IOException | IllegalStateException _) {
        return 0;
      }
    }
  }

  /// A candidate with those who were handed it.
  ///
  /// @param place in the walk
  /// @param holding sessions whose holds keep it
  record Case(
      Candidate candidate, List<Ledger.Holder> holders, Set<Long> holding, HoldersCursor place) {}

  private final Ledger ledger;
  private final KeptSegments kept;
  private final Workers workers;
  private final int daemonUid;
  private final List<Source> sources;

  private final Memory memory;
  private final SlabWalk walk;

  Holders(
      Ledger ledger,
      KeptSegments kept,
      Workers workers,
      int daemonUid,
      Memory memory,
      SlabWalk walk,
      HeldSegments held) {
    this.ledger = ledger;
    this.kept = kept;
    this.workers = workers;
    this.daemonUid = daemonUid;
    this.memory = memory;
    this.walk = walk;
    this.sources =
        List.of(
            number -> memory.tables().from(number).map(each -> Candidate.live(each, "")),
            number -> memory.slabs().from(number).map(each -> Candidate.live(each, "")),
            number -> memory.dedicated().from(number).map(this::dedicated),
            number -> held.heldFrom(number).map(Candidate::held));
  }

  private Candidate dedicated(SharedSegment segment) {
    String name =
        memory
            .dedicated()
            .record(segment.number())
            .flatMap(walk::live)
            .map(BufferRecord::name)
            .orElse("");
    return Candidate.live(segment, name);
  }

  /// A page of all segments from a cursor on; 0 is the start.
  CompletionStage<Holdings> page(long cursor) {
    List<Case> cases = new ArrayList<>();
    HoldersCursor at = HoldersCursor.unpack(cursor);
    long looks = 0;
    while (at.source() < sources.size() && cases.size() < SEGMENTS_A_PAGE && looks < LOOKS_A_PAGE) {
      Optional<Candidate> next = sources.get(at.source()).from(at.number());
      if (next.isPresent()) {
        HoldersCursor place = at.at(next.get().position());
        cases.add(caseOf(next.get(), place));
        looks += ledger.sessions();
        at = place.next();
      } else {
        at = at.nextSource();
      }
    }
    return answer(cases, at.source() < sources.size() ? at.packed() : 0);
  }

  /// A page about the segment that the bytes of one buffer lie in.
  ///
  /// @param record where its record lies
  CompletionStage<Holdings> of(Place record, long cursor) {
    long segment = walk.live(record).map(BufferRecord::segment).orElse(0L);
    Optional<Candidate> candidate =
        segment == 0
            ? memory.slabs().find(record.slab()).map(each -> Candidate.live(each, ""))
            : memory.dedicated().find(segment).map(this::dedicated);
    List<Case> cases = new ArrayList<>();
    HoldersCursor at = HoldersCursor.unpack(cursor);
    candidate.ifPresent(found -> cases.add(caseOf(found, new HoldersCursor(0, 0, at.skipped()))));
    return answer(cases, 0);
  }

  private Case caseOf(Candidate candidate, HoldersCursor place) {
    long key = candidate.key();
    return new Case(candidate, ledger.holders(key), kept.sessions(key), place);
  }

  private CompletionStage<Holdings> answer(List<Case> cases, long cursorAfter) {
    CompletableFuture<Holdings> reply = new CompletableFuture<>();
    HolderRows rows = new HolderRows(daemonUid, new ProcessMaps());
    workers.call(
        () -> rows.page(cases, cursorAfter), reply::complete, reply::completeExceptionally);
    return reply;
  }
}
