/// The daemon: its parts put together, started and ended in order.
///
/// Threads: one event loop owns every session and the store. Failures: a daemon that cannot serve
/// does not start, and says why in a sentence.
@NullMarked
package dev.sealbuf.server;

import org.jspecify.annotations.NullMarked;
