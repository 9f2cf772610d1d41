/// Who may do what.
@NullMarked
package dev.sealbuf.server.access;

import org.jspecify.annotations.NullMarked;
