package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import java.util.List;

/// The first catalog segment as `welcome` announces it. The caller closes the descriptors.
public record CatalogHandle(long segment, long bytes, long daemon, List<Fd> descriptors) {}
