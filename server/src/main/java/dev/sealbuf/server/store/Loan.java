package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import java.util.List;

/// A dedicated segment for its producer, as `lent` announces it: one description to write, one to
/// read, in this order. The caller closes the descriptors.
public record Loan(
    String name, long buffer, long nbytes, long segment, long segmentBytes, List<Fd> descriptors) {}
