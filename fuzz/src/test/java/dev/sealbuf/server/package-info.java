/// A daemon under a fuzzer: real sockets, a real store, and whatever a client may say.
@NullMarked
package dev.sealbuf.server;

import org.jspecify.annotations.NullMarked;
