"""The limits of the control protocol, each with its reason, as in PROTOCOL.md."""

HEAD_MAX = 65536
"""A head is a handful of fields; this bounds what a peer can make the other side keep."""
PAYLOAD_MAX = 2097152
"""The largest put_many, index included."""
PUT_MAX = 262144
"""Above it a dedicated segment is cheaper than the copy through the socket."""
PAGE_MAX = 262144
"""The longest payload of a reply."""
BATCH_MAX = 1024
"""Buffers of one batch: what the daemon publishes in one turn."""
BATCH_BYTES = 1048576
"""Bytes of the buffers of one put_many; a larger batch shares a dedicated segment."""
DESCRIPTORS_MAX = 2
"""What a producer needs: one description to write, one to read."""
DESCRIPTOR_FRAME_MAX = 4096
"""Fits any socket buffer whole, so descriptors and their frame are never torn apart."""
NAME_MAX = 255
"""Bytes of UTF-8, as NAME_MAX in most file systems."""
FORMAT_MAX = 4096
"""Bytes of a format: a structure of a hundred fields."""
TYPESTR_MAX = 32
"""Bytes of a typestr."""
NDIM_MAX = 64
"""Axes, as in NumPy and memoryview."""
METADATA_MAX = 65535
"""Bytes of metadata, which lie in the record."""
SEQ_MAX = 2**53 - 1
"""The largest integer that every JSON implementation carries."""
LIST_MAX = 1000
"""Entries of a page of list."""
WAIT_MAX = 86_400_000
"""Milliseconds a request may be parked, one day; who waits longer asks again."""
TTL_MAX = 3_153_600_000_000
"""Milliseconds a buffer may be told to live, a hundred years."""
