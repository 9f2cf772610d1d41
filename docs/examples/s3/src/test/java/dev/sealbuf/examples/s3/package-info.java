@NullMarked
package dev.sealbuf.examples.s3;

import org.jspecify.annotations.NullMarked;
