/// What the Java client costs, measured by JMH beside what the same work costs without it.
@NullMarked
package dev.sealbuf.bench;

import org.jspecify.annotations.NullMarked;
