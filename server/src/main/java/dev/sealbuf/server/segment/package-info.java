/// Memory that is handed out: slabs, dedicated segments, their preparation and their seals.
///
/// Threads: the event loop owns them; pages are prepared beside it. Failures: memory that cannot be
/// had is refused before a page is touched.
@NullMarked
package dev.sealbuf.server.segment;

import org.jspecify.annotations.NullMarked;
