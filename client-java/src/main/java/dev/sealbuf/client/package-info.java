/// What users of Sealbuf see: a store, writers and sealed buffers.
///
/// **Threads.** A [Sealbuf] and a [SealedBuffer] may be used by many threads at once. A
/// [BufferWriter]'s memory may be filled by many, its methods belong to one at a time.
///
/// **Failures.** Every code of the protocol's error table is a subtype of [SealbufException], which
/// is unchecked. After a [TimeoutException] while waiting for an answer the store can be used
/// further; after a [DisconnectedException] or [ProtocolException] it cannot, connect again. Sealed
/// buffers stay valid through all of it. Using a view of closed memory is an
/// `IllegalStateException`, never a crash.
@NullMarked
package dev.sealbuf.client;

import org.jspecify.annotations.NullMarked;
