/// The Java client against real daemons.
@NullMarked
package dev.sealbuf.client;

import org.jspecify.annotations.NullMarked;
