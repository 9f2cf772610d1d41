package dev.sealbuf.client;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The half of a [Sealbuf] that publishes: every verb in the forms that Java users have their bytes
/// in. What they do is in [Publisher].
abstract sealed class Publishing permits Sealbuf {
  private final Publisher publisher;

  Publishing(Publisher publisher) {
    this.publisher = publisher;
  }

  /// Publishes bytes under a name; they are visible to everybody when this returns.
  public BufferInfo put(String name, byte[] data) {
    return put(name, data, PutOptions.NONE);
  }

  /// Publishes bytes under a name, with a shape, metadata, a time to live or what else the options
  /// say.
  public BufferInfo put(String name, byte[] data, PutOptions options) {
    return put(name, MemorySegment.ofArray(data), options);
  }

  /// Publishes what lies between the buffer's position and limit, which do not move.
  public BufferInfo put(String name, ByteBuffer data) {
    return put(name, data, PutOptions.NONE);
  }

  /// Publishes what lies between the buffer's position and limit, which do not move.
  public BufferInfo put(String name, ByteBuffer data, PutOptions options) {
    return put(name, MemorySegment.ofBuffer(data), options);
  }

  /// Publishes bytes of any number.
  public BufferInfo put(String name, MemorySegment data) {
    return put(name, data, PutOptions.NONE);
  }

  /// Publishes bytes of any number.
  public BufferInfo put(String name, MemorySegment data, PutOptions options) {
    return publisher.put(Optional.of(Checked.name(name)), data, options);
  }

  /// Publishes bytes under a name that the store makes up; they end with this store's connection at
  /// the latest.
  public BufferInfo put(byte[] data) {
    return put(MemorySegment.ofArray(data));
  }

  /// Publishes what lies between position and limit under a name that the store makes up.
  public BufferInfo put(ByteBuffer data) {
    return put(MemorySegment.ofBuffer(data));
  }

  /// Publishes bytes of any number under a name that the store makes up.
  public BufferInfo put(MemorySegment data) {
    return put(data, PutOptions.NONE);
  }

  /// Publishes bytes of any number under a name that the store makes up.
  public BufferInfo put(MemorySegment data, PutOptions options) {
    return publisher.put(Optional.empty(), data, options);
  }

  /// Publishes all of these buffers, at most 1024, or none. Readers may see the names appear one
  /// after the other.
  public List<BufferInfo> putMany(Map<String, byte[]> data) {
    return putMany(data, PutOptions.NONE);
  }

  /// Publishes all of these buffers, at most 1024, or none.
  public List<BufferInfo> putMany(Map<String, byte[]> data, PutOptions options) {
    return putMany(
        data.entrySet().stream()
            .map(each -> new BatchItem(each.getKey(), each.getValue()))
            .toList(),
        options);
  }

  /// Publishes all of these buffers, at most 1024, or none; each may have a shape of its own.
  public List<BufferInfo> putMany(Collection<BatchItem> items) {
    return putMany(items, PutOptions.NONE);
  }

  /// Publishes all of these buffers, at most 1024, or none; each may have a shape of its own.
  public List<BufferInfo> putMany(Collection<BatchItem> items, PutOptions options) {
    return publisher.putMany(items, options);
  }

  /// Reserves a name and lends memory to write the buffer in place.
  public BufferWriter create(String name, long nbytes) {
    return create(name, nbytes, PutOptions.NONE);
  }

  /// Reserves a name and lends memory to write the buffer in place.
  public BufferWriter create(String name, long nbytes, PutOptions options) {
    return publisher.create(Optional.of(Checked.name(name)), nbytes, options);
  }

  /// Reserves a name and lends memory for items of that type and shape.
  public BufferWriter create(String name, Shape shape) {
    return create(name, shape, PutOptions.NONE);
  }

  /// Reserves a name and lends memory for items of that type and shape.
  public BufferWriter create(String name, Shape shape, PutOptions options) {
    return create(name, shape.nbytes(), options.withShape(shape));
  }

  /// Lends memory for a buffer under a name that the store makes up.
  public BufferWriter create(long nbytes) {
    return publisher.create(Optional.empty(), nbytes, PutOptions.NONE);
  }

  /// Lends memory for items under a name that the store makes up.
  public BufferWriter create(Shape shape) {
    return create(shape, PutOptions.NONE);
  }

  /// Lends memory for items under a name that the store makes up.
  public BufferWriter create(Shape shape, PutOptions options) {
    return publisher.create(Optional.empty(), shape.nbytes(), options.withShape(shape));
  }
}
