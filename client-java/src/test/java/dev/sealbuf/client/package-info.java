/// The Java client against a peer that does what a daemon should not.
@NullMarked
package dev.sealbuf.client;

import org.jspecify.annotations.NullMarked;
