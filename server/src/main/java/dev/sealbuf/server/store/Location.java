package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import java.util.List;

/// Where a buffer lies, as `opened` announces it: the descriptors of its slab, unless the peer has
/// it, and of its dedicated segment, if there is one. The caller closes them.
public record Location(
    long slab, long slabBytes, long record, long segment, long segmentBytes, List<Fd> descriptors)
    implements Standing {}
