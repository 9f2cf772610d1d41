/// The bytes of peers and of shared memory, as a fuzzer writes them.
///
/// Each class is one target, with one sentence of what must hold for any input. A test run replays
/// the seeds, which are the golden vectors, and what once failed (`src/test/resources`); with
/// `JAZZER_FUZZ=1` a class fuzzes, led by coverage.
@NullMarked
package dev.sealbuf.protocol;

import org.jspecify.annotations.NullMarked;
