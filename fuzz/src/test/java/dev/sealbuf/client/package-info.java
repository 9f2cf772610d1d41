/// What threads share in the Java client, in many interleavings.
@NullMarked
package dev.sealbuf.client;

import org.jspecify.annotations.NullMarked;
