/// What threads share in the code next to the kernel, in many interleavings.
@NullMarked
package dev.sealbuf.memory;

import org.jspecify.annotations.NullMarked;
