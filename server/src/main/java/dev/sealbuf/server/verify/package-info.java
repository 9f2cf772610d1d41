/// `sealbuf verify`: proves on this machine that sealed means sealed.
///
/// The [Verification] plans everything and believes nobody. It starts [Worker] processes, in Java
/// ([WorkerMain]) and in Python (`sealbuf._verify`), which do what they are told by lines of JSON,
/// and a [Killer], which ends them with SIGKILL in the middle of it. Before a [Producer] has a name
/// changed, the [Ledger] notes what may be found there from now on; after the answer, what may not
/// any more. A [Reader] has a worker map a buffer and sum every byte; what it found must be in the
/// ledger for that time, whole. So a lost buffer, a torn one and one of another time are all the
/// same fault: a finding that the ledger does not have.
///
/// Threads: one for each seat of a worker, one that kills, and the caller's, which prints. The
/// ledger and the tally are for all of them. Failures: a fault ends the run; what goes wrong in the
/// tool itself is a fault too.
@NullMarked
package dev.sealbuf.server.verify;

import org.jspecify.annotations.NullMarked;
