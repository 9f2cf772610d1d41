/// Stores that know nothing of each other, each with a name and a list of who may use it.
@NullMarked
package dev.sealbuf.server.namespace;

import org.jspecify.annotations.NullMarked;
