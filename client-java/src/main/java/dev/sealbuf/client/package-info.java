/// What users of Sealbuf see: a store, writers and sealed buffers.
///
/// Threads: a store may be used by many threads at once; a writer belongs to one. Failures: every
/// error of the protocol has its own subtype of one root exception.
@NullMarked
package dev.sealbuf.client;

import org.jspecify.annotations.NullMarked;
