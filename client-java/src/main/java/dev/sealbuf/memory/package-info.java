/// Native memory: descriptors, sealed memory files, mappings and the socket that carries
/// descriptors.
///
/// The only native code of the project. [Posix] links the symbols; everything else here owns what
/// those calls hand out: [Fd] a descriptor, [Mapping] a range of addresses, [UnixSocket] a
/// connection, [OwnerLock] a mutex that outlives no process. Nothing in here knows what the bytes
/// mean.
///
/// **Threads.** All types may be used from any thread unless they say otherwise.
///
/// **Failure.** A system call that fails throws [PosixException]. What a caller is expected to meet
/// and answer in its own way has a type of its own: [MemoryShortException],
/// [DescriptorsTruncatedException], `SocketTimeoutException`, [ViewsInUseException]. Use after
/// close is an `IllegalStateException`.
@NullMarked
package dev.sealbuf.memory;

import org.jspecify.annotations.NullMarked;
