/// What users of Sealbuf see: a store, writers and sealed buffers.
///
/// **Threads.** A [Sealbuf] and a [SealedBuffer] may be used by many threads at once; a [Watch] by
/// one, and any may close it. A [BufferWriter]'s memory may be filled by many, its methods belong
/// to one at a time, and so do those of a [BufferView] and [ChronicleBytes]. [Shape],
/// [ElementType], [PutOptions], [BatchItem], [BufferInfo] and the other values are immutable.
///
/// **Failures.** Every code of the protocol's error table is a subtype of [SealbufException], which
/// is unchecked. A store can be used further after any of them but [ClosedException]: when the
/// daemon went away, or what came from it cannot be trusted ([ProtocolException]), the next call
/// connects anew. A [BufferWriter] ends with its connection; sealed buffers stay valid through all
/// of it. Using a view of closed memory is an `IllegalStateException`, never a crash.
@NullMarked
package dev.sealbuf.client;

import org.jspecify.annotations.NullMarked;
