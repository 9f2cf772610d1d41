package dev.sealbuf.client;

import java.lang.foreign.MemorySegment;

/// One buffer of a batch.
///
/// @param shape of the items, with as many bytes as the data
public record BatchItem(String name, MemorySegment data, Shape shape) {
  /// @throws InvalidNameException when the name is none
  /// @throws InvalidRequestException when the shape has more or fewer bytes than the data
  public BatchItem {
    Checked.name(name);
    shape.requireBytes(data.byteSize());
  }

  /// Nothing but bytes.
  public BatchItem(String name, byte[] data) {
    this(name, MemorySegment.ofArray(data), Shape.bytes(data.length));
  }
}
