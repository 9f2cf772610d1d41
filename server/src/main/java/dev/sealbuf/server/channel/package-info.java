/// The edge to the network: accepted connections, the credentials of their peers, the outgoing
/// queue.
///
/// Threads: everything here runs on the event loop. Failures: a peer that breaks the rules loses
/// its connection; nobody else notices.
@NullMarked
package dev.sealbuf.server.channel;

import org.jspecify.annotations.NullMarked;
