/// What the daemon knows: the catalog, names, and who is charged for what.
///
/// Threads: one owner, the event loop; nothing here is locked. Failures: a request is admitted or
/// refused as a whole, before anything changes.
@NullMarked
package dev.sealbuf.server.store;

import org.jspecify.annotations.NullMarked;
