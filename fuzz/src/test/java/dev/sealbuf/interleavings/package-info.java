/// What two threads may do to each other, tried out: each scenario's operations run in as many
/// orders as there is time for, and their results must be those of some order without overlap.
@NullMarked
package dev.sealbuf.interleavings;

import org.jspecify.annotations.NullMarked;
