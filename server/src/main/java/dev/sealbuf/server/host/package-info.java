/// What the machine lets the daemon have.
///
/// Threads: any. Failures: what cannot be read is as if it were not there; the kernel offers none
/// of these files everywhere.
@NullMarked
package dev.sealbuf.server.host;

import org.jspecify.annotations.NullMarked;
