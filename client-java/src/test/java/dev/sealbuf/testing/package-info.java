/// What the tests of all modules share: real processes, the C library, and a look for what was left
/// open.
@NullMarked
package dev.sealbuf.testing;

import org.jspecify.annotations.NullMarked;
