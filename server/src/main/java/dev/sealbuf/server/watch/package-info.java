/// What the kernel tells the daemon without being asked: that a process has ended, that memory is
/// gone.
///
/// Threads: one thread waits; everything it learns is told on the event loop, which alone calls
/// what is public here. Failures: what cannot be watched is an `IOException` of the call that asks.
@NullMarked
package dev.sealbuf.server.watch;

import org.jspecify.annotations.NullMarked;
