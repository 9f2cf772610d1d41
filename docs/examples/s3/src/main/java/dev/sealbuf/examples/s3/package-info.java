/// Objects of S3 in shared memory: a producer to copy and change.
@NullMarked
package dev.sealbuf.examples.s3;

import org.jspecify.annotations.NullMarked;
