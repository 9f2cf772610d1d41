/// Descriptors, mappings and sealed memory: the only code that calls the kernel natively.
///
/// Threads: closing is safe from any thread and happens once; everything else says its own rule.
/// Failures: a failed call is an exception that names the call, its arguments and errno.
@NullMarked
package dev.sealbuf.memory;

import org.jspecify.annotations.NullMarked;
