/// The protocol without I/O: frames, messages, and the byte layouts of shared memory.
///
/// Threads: values are immutable; a decoder belongs to one thread. Failures: bytes that break the
/// protocol are refused with an error of its table, before anything is allocated on their behalf.
@NullMarked
package dev.sealbuf.protocol;

import org.jspecify.annotations.NullMarked;
