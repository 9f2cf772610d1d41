package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.server.watch.Watch;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The processes that connected. When one ends, so do all its sessions, whoever has their sockets
/// by then.
///
/// Each is watched once, which takes a descriptor, however many sessions it has. They are told
/// apart by their numbers: a number is given to another process only after the end of the first has
/// been reported, or while that is on its way, and then a session too many ends and its client
/// connects again. A process whose number is not known here, for it lives in another PID namespace,
/// is watched for each of its sessions.
///
/// Where a process cannot be watched at all (before Linux 5.3, or a filter of system calls forbids
/// it) its sessions end with their sockets alone.
final class PeerProcesses implements Admission.Processes {
  private static final class Watched {
    final int uid;
    final Set<Runnable> members = new LinkedHashSet<>();
    Watch.Registration registration = () -> {};

    Watched(int uid) {
      this.uid = uid;
    }
  }

  private final Watch watch;
  private final Map<Long, Watched> byNumber = new HashMap<>();
  private final Map<Integer, Integer> ofUid = new HashMap<>();
  private long unnumbered;

  PeerProcesses(Watch watch) {
    this.watch = watch;
  }

  @Override
  public int count() {
    return byNumber.size();
  }

  /// Those whose first session is of that uid.
  @Override
  public int count(int uid) {
    return ofUid.getOrDefault(uid, 0);
  }

  /// Runs `ended` when the process that connected has ended.
  ///
  /// @param pid of that process; 0 when it is not known
  /// @param ended a new object
  /// @return gives that up
  /// @throws IOException when there are no descriptors left
  Watch.Registration join(int uid, int pid, Fd socket, Runnable ended) throws IOException {
    long number = pid == 0 ? --unnumbered : pid;
    Watched process = byNumber.get(number);
    if (process == null) {
      process = begin(uid, number, socket);
    }
    process.members.add(ended);
    Watched joined = process;
    return () -> leave(number, joined, ended);
  }

  private Watched begin(int uid, long number, Fd socket) throws IOException {
    Watched process = new Watched(uid);
    try {
      process.registration = watch.process(socket, () -> ended(number, process));
    } catch (PosixException e) {
      switch (e.errno()) {
        case Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM -> throw e;
        default -> {} // its sessions end with their sockets
      }
    }
    byNumber.put(number, process);
    ofUid.merge(uid, 1, Integer::sum);
    return process;
  }

  private void ended(long number, Watched process) {
    forget(number, process);
    List.copyOf(process.members).forEach(Runnable::run);
  }

  private void leave(long number, Watched process, Runnable member) {
    process.members.remove(member);
    if (process.members.isEmpty()) {
      process.registration.close();
      forget(number, process);
    }
  }

  private void forget(long number, Watched process) {
    if (byNumber.remove(number, process)) {
      ofUid.computeIfPresent(process.uid, (_, count) -> count == 1 ? null : count - 1);
    }
  }
}
