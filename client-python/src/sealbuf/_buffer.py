"""A published buffer, as readers see it: immutable bytes in shared memory.

A Buffer holds a read-only memoryview of the shared pages and the place of its record. The rest of
what it knows about itself is read from the record when somebody asks, because most readers only
want the bytes and a get should cost about as much as a dictionary look-up.

The memoryview owns the mapping (see `_memory`), so bytes that somebody looks at stay where they
are, whatever becomes of the Buffer, the Store, the name and the daemon.

The Buffer that `put` returns has no view at first: its slab is asked for at the first look, or when
the store is closed, so that a put stays one round trip and a process that only puts maps nothing.
The price: if the buffer is deleted before the first look, its memory may be gone by then, which is
NotFound.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from struct import calcsize
from typing import Any, Self, TypeAlias, overload

from sealbuf import _memory as memory
from sealbuf._layout import Memory, Place, Record, encode_record, read_record

View: TypeAlias = memoryview
Fetch: TypeAlias = Callable[[], View]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITABLE = 0x1
"""PyBUF_WRITABLE; `inspect.BufferFlags` has it from 3.12 only."""
_BYTE_FORMATS = frozenset("Bbc")


class Buffer:
    """Immutable bytes in shared memory. The kernel refuses whoever tries to change them.

    Comes from `Store.get`, `Store.put` and `Writer.seal`. It behaves as `bytes` where that needs no
    copy: `len`, indexing, iteration, `==` and `hash` are those of its bytes; a slice is a
    memoryview of the same pages. `bytes(buffer)` and `to_bytes()` copy.

    From Python 3.12 on it has the buffer protocol, so it can be passed where bytes-like objects
    can. On 3.11 no Python class has: pass `buffer.memoryview()`. `numpy.asarray(buffer)` works on
    all.

    Pickling one sends a handle of some hundred bytes, and takes one round trip: whoever unpickles
    it maps the same pages. The handle opens while the name is still that buffer's, and once after
    that, for 60 s. Raises NotFound when the name was deleted or replaced before. A Buffer that was
    put without a name must live until its handle is made, not longer.

    Any number of threads may use it at once.
    """

    __slots__ = ("__weakref__", "_at", "_data", "_memory")

    def __init__(self, data: View | Fetch, record: Memory, at: int) -> None:
        self._data = data
        self._memory = record
        self._at = at

    def memoryview(self) -> View:
        """The bytes themselves, read-only: format `B`, one axis. It keeps them alive.

        Each call makes another view, so releasing one (`with buffer.memoryview() as view:`) leaves
        the Buffer as it was.

        Raises NotFound, Disconnected, Timeout or Closed only for a small Buffer from `put` that
        nobody looked at before: if it was deleted or replaced meanwhile and its memory given back,
        or if its daemon is gone. Take a view at once where others may delete what you put.
        """
        return memoryview(self._view())

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> View:
            if flags & _WRITABLE:
                raise BufferError(f"a sealed buffer cannot be written to: name={self.name}")
            return self.memoryview()

    def to_bytes(self) -> bytes:
        """A copy of the bytes in private memory."""
        return self._view().tobytes()

    __bytes__ = to_bytes

    def __len__(self) -> int:
        return len(self._view())

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> View: ...
    def __getitem__(self, at: int | slice) -> int | View:
        return self._view()[at]

    def __iter__(self) -> Iterator[int]:
        return iter(self._view())

    def __eq__(self, other: object) -> bool:
        mine = self._view()
        if isinstance(other, Buffer):
            same_kind = self.format == other.format and self.shape == other.shape
            return same_kind and memory.equal(mine, other._view())
        try:
            theirs = memoryview(other)  # type: ignore[arg-type]
        except TypeError:
            return NotImplemented
        if theirs.ndim == 1 and theirs.format in _BYTE_FORMATS and theirs.c_contiguous:
            return memory.equal(mine, theirs)
        return mine == theirs

    def __hash__(self) -> int:
        """That of the bytes: equal Buffers and bytes find the same dictionary entry."""
        return hash(self._view())

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {
            "version": 3,
            "shape": (len(self),),
            "typestr": "|u1",
            "data": (self.address, True),
        }

    @property
    def name(self) -> str:
        """The name it was published under, be it deleted or not."""
        return self._record.name

    @property
    def version(self) -> int:
        """Number of its publication; grows with every publication of the daemon."""
        return self._record.version

    @property
    def owner(self) -> int:
        """The uid that published it."""
        return self._record.owner

    @property
    def created(self) -> datetime:
        """When it was published, in UTC, to the microsecond."""
        return utc(self._record.created)

    @property
    def nbytes(self) -> int:
        """Length in bytes."""
        return self._record.place[2]

    @property
    def format(self) -> str:
        """Format of an item, as in `struct`."""
        return self._record.format

    @property
    def itemsize(self) -> int:
        """Bytes of an item."""
        return calcsize(self.format)

    @property
    def shape(self) -> tuple[int, ...]:
        """Items along each axis."""
        return self._record.shape

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes between items along each axis."""
        return self._record.strides

    @property
    def metadata(self) -> bytes:
        """What the publisher attached; nothing in this version."""
        return self._record.metadata

    @property
    def readonly(self) -> bool:
        """True. Always."""
        return True

    @property
    def address(self) -> int:
        """Where the first byte lies in this process, for as long as the Buffer or a view lives."""
        return memory.address_of(self._view())

    def _view(self) -> View:
        """The Buffer's own view. It must not get out: whoever releases it could unmap the memory
        that another thread is reading."""
        data = self._data
        if not isinstance(data, memoryview):
            data = self._data = data()
        return data

    @property
    def _record(self) -> Record:
        return read_record(self._memory, self._at)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        from sealbuf._handle import reduced  # noqa: PLC0415 - which needs this module

        memory: Any = self._memory  # each that a session made knows where it came from
        return reduced(self._record, memory.origin)

    def __repr__(self) -> str:
        record = self._record
        return f"<sealbuf.Buffer {record.name!r} version={record.version} nbytes={record.place[2]}>"


def record_of(published: Mapping[str, Any], place: Place, owner: int) -> bytes:
    """The record of a buffer that this process published itself, made from the reply."""
    nbytes = place[2]
    return encode_record(
        Record(
            published["name"],
            published["buffer"],
            published["version"],
            place,
            published["created"],
            owner,
            "B",
            (nbytes,),
            (1,),
            b"",
            0,
        )
    )


def utc(micros: int) -> datetime:
    """A moment that the protocol gives in microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)
