/// The `sealbuf` command line: one class a command.
///
/// Threads: a command runs on the main thread. Failures: exit status 0 done, 1 refused by the
/// store, 2 usage or set-up, 3 no daemon; the reason goes to standard error.
@NullMarked
package dev.sealbuf.server.cli;

import org.jspecify.annotations.NullMarked;
