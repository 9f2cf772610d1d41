package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import java.util.List;

/// A slab or catalog segment, as `mapped` announces it. The caller closes the descriptors.
public record SegmentHandle(long segment, long segmentBytes, List<Fd> descriptors) {}
