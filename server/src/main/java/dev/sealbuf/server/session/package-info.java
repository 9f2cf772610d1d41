/// One session for each connection: its state, and the table from message to handler.
///
/// Threads: everything here runs on the event loop. Failures: a refused request is an error frame
/// with a code; the session goes on where the stream can still be trusted.
@NullMarked
package dev.sealbuf.server.session;

import org.jspecify.annotations.NullMarked;
