"""A published buffer, as readers see it: immutable bytes in shared memory, or items made of them.

A Buffer holds a read-only memoryview of the shared pages and the place of its record. The rest of
what it knows about itself is read from the record when somebody asks, because a get should cost
about as much as a dictionary look-up. Whether it is more than bytes is asked at the first look and
kept: `_views` shows it then.

The memoryview owns the mapping (see `_memory`), so bytes that somebody looks at stay where they
are, whatever becomes of the Buffer, the Store, the name and the daemon.

The Buffer that `put` returns has no view at first: its slab is asked for at the first look, or when
the store is closed, so that a put stays one round trip and a process that only puts maps nothing.
The price: if the buffer is deleted before the first look, its memory may be gone by then, which is
NotFound.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from operator import getitem, index
from typing import Any, Self, TypeAlias

from sealbuf import _memory as memory
from sealbuf import _tensor as tensor
from sealbuf._description import Description
from sealbuf._layout import Memory, Place, Record, describes_bytes, encode_record, read_record
from sealbuf._like_bytes import LikeBytes
from sealbuf._views import FORMAT, Shown, View, buffer_class

Fetch: TypeAlias = Callable[[], View]
MakeRecord: TypeAlias = Callable[[], Memory]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITABLE = 0x1
"""PyBUF_WRITABLE; `inspect.BufferFlags` has it from 3.12 only."""
_BYTE_FORMATS = frozenset("Bbc")
_UNSEEN: Any = object()
"""In place of what shows the items, before the first look."""


@buffer_class
class Buffer(LikeBytes):
    """Immutable bytes in shared memory. The kernel refuses whoever tries to change them.

    Comes from `Store.get`, `Store.put` and `Writer.seal`. With one axis and format `B`, `b` or `c`
    it behaves as `bytes`, with all their methods. What is part of its content (a slice, what
    `split`, `strip` or `partition` find) is a Buffer over the same pages, with the name of the
    whole; what is new (a slice with a step, `upper`, `+`) is bytes.

    Otherwise it behaves as its memoryview, items of `format` in `shape`; two Buffers are equal when
    their formats, shapes and bytes are, and `hash` is always that of `bytes(buffer)`.

    From Python 3.12 on it has the buffer protocol, so it can be passed where bytes-like objects
    can. On 3.11 no Python class has: pass `buffer.memoryview()`. `numpy.asarray(buffer)` works on
    all, without a copy.

    Pickling one sends a handle of some hundred bytes, and takes one round trip: whoever unpickles
    it maps the same pages. The handle opens while the name is still that buffer's, and once after
    that, for 60 s. A Buffer that was put without a name must live until its handle is made, not
    longer. Pickling raises NotFound when the name was deleted or replaced before, and QuotaExceeded
    when 4096 handles of this user wait to be opened.

    Any number of threads may use it at once.
    """

    __slots__ = ("__weakref__", "_at", "_data", "_items", "_memory")

    _items: Shown | None
    """What shows the items. None: it is bytes."""

    def __init__(self, data: View | Fetch, record: Memory | MakeRecord, at: int) -> None:
        self._data = data
        self._memory = record
        self._at = at
        self._items = _UNSEEN

    def memoryview(self) -> View:
        """The memory itself, read-only, with format, shape and strides. It keeps it alive.

        Before Python 3.12 some formats and orders cannot be said (`<f`, structures, Fortran order):
        there it is flat bytes then. Of datetime64 and timedelta64 it shows the integers.

        Each call makes another view, so releasing one (`with buffer.memoryview() as view:`) leaves
        the Buffer as it was.

        Raises NotFound, Disconnected, Timeout or Closed only for a small Buffer from `put` that
        nobody looked at before: if it was deleted or replaced meanwhile and its memory given back,
        or if its daemon is gone. Take a view at once where others may delete what you put.
        """
        shown = self._shown()
        return memoryview(self._view()) if shown is None else shown.view()

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> View:
            if flags & _WRITABLE:
                raise BufferError(f"a sealed buffer cannot be written to: name={self.name}")
            shown = self._shown()
            if shown is not None and shown.description.typestr and flags & FORMAT:
                raise BufferError(
                    f"no buffer format can say this type, use numpy.asarray: "
                    f"name={self.name} typestr={shown.description.typestr}"
                )
            return self.memoryview()

    def to_bytes(self) -> bytes:
        """A copy in private memory; of items in Fortran order too in C order, as memoryview has
        it."""
        shown = self._shown()
        return self._view().tobytes() if shown is None else shown.tobytes()

    __bytes__ = to_bytes

    def digest(self) -> bytes:
        """SHA-256 of the bytes as they lie in memory, which is the same in every language. It is
        that of `bytes(buffer)`, unless the items are in Fortran order."""
        return hashlib.sha256(self._view()).digest()

    def __len__(self) -> int:
        return len(self._sequence())

    def __getitem__(self, at: Any) -> Any:
        sequence = self._sequence()
        if not isinstance(sequence, memoryview):
            return sequence[at]
        if not isinstance(at, slice):
            return sequence[index(at)]
        start, stop, step = at.indices(sequence.nbytes)
        return self._part(start, max(start, stop)) if step == 1 else sequence[at].tobytes()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._sequence())

    def __contains__(self, item: Any) -> bool:
        """Of bytes, as `bytes` has it: a value, or a run of them. Otherwise an item."""
        sequence = self._sequence()
        return self.find(item) >= 0 if isinstance(sequence, memoryview) else item in sequence

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Buffer):
            return self._equals(other)
        try:
            theirs = memoryview(other)  # type: ignore[arg-type]
        except (TypeError, ValueError, BufferError):
            return NotImplemented
        mine = self._sequence()
        if not isinstance(mine, memoryview):
            return mine == theirs
        if theirs.ndim == 1 and theirs.format in _BYTE_FORMATS and theirs.c_contiguous:
            return memory.equal(mine, theirs)
        return mine == theirs

    def __hash__(self) -> int:
        """That of the bytes: equal Buffers and bytes find the same dictionary entry."""
        shown = self._shown()
        in_order = shown is None or shown.description.c_order
        return hash(self._view() if in_order else self.to_bytes())

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._description.interface(self.address, readonly=True)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: Any = None,
        dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:
        """The items as a read-only tensor of DLPack 1.0, for `numpy.from_dlpack` and its like.
        BufferError for who cannot take that, and for items that are no numbers."""
        tensor.check_consumer(stream, max_version, dl_device)
        return tensor.capsule(self, self._view(), self._description, copy=bool(copy))

    def __dlpack_device__(self) -> tuple[int, int]:
        return tensor.CPU

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
        """Format of an item, in the syntax of PEP 3118, as in memoryview; `<q` or `>q` for
        datetime64 and timedelta64, which have none."""
        return self._record.format

    @property
    def itemsize(self) -> int:
        """Bytes of an item."""
        return self._description.itemsize

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
        """What the publisher attached."""
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

    def _where(self) -> Memory:
        """What the record lies in."""
        found = self._memory
        if callable(found):
            found = self._memory = found()
        return found

    def _shown(self) -> Shown | None:
        """What shows the items; None where it is bytes."""
        if self._items is _UNSEEN:
            of_bytes = describes_bytes(self._where(), self._at)
            self._items = None if of_bytes else Shown(self._view(), self._description)
        return self._items

    def _is_bytes(self) -> bool:
        """Whether it behaves as `bytes`."""
        shown = self._shown()
        return shown is None or shown.description.bytes_like

    def _as_view(self) -> View:
        """Its items, for as long as the Buffer lives. It must not get out either."""
        shown = self._shown()
        return self._view() if shown is None else shown.items()

    def _sequence(self) -> View | Shown:
        """What `len`, indexing, iteration and `==` are of."""
        shown = self._shown()
        return self._view() if shown is None or shown.description.bytes_like else shown

    def _part(self, start: int, stop: int) -> "Buffer":
        """Some of its bytes."""
        view = self._view()
        if start == 0 and stop == view.nbytes:
            return self
        return self._cut(view[start:stop], start)

    def _cut(self, view: View, start: int) -> "Part":
        return Part(self, view, start)

    def _equals(self, other: "Buffer") -> bool:
        if self._shown() is None and other._shown() is None:
            return memory.equal(self._view(), other._view())
        mine, theirs = self._description, other._description
        if (mine.format, mine.shape, mine.typestr) != (theirs.format, theirs.shape, theirs.typestr):
            return False
        if mine.strides == theirs.strides:
            return memory.equal(self._view(), other._view())
        return self.to_bytes() == other.to_bytes()

    @property
    def _description(self) -> Description:
        return Description.of_record(self._record)

    @property
    def _record(self) -> Record:
        return read_record(self._where(), self._at)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        from sealbuf._handle import reduced  # noqa: PLC0415 - which needs this module

        memory: Any = self._where()  # each that a session made knows where it came from
        return reduced(self._record, memory.origin)

    def __repr__(self) -> str:
        record = self._record
        kind = ""
        if not describes_bytes(self._where(), self._at):
            kind = f" format={record.typestr or record.format!r} shape={record.shape}"
        return (
            f"<sealbuf.Buffer {record.name!r} version={record.version}{kind} "
            f"nbytes={record.place[2]}>"
        )


class Part(Buffer):
    """Some bytes of a Buffer, which it keeps: its name, version, owner and metadata are those of
    the whole, all else is its own."""

    __slots__ = ("_start", "_whole")

    # In place of the one above, which takes longer: parts are made by the million.
    def __init__(self, whole: Buffer, view: View, start: int) -> None:
        self._data = view
        self._memory = whole._memory
        self._at = whole._at
        self._items = _UNSEEN
        self._whole = whole
        self._start = start

    def _cut(self, view: View, start: int) -> "Part":
        return Part(self._whole, view, self._start + start)

    @property
    def _record(self) -> Record:
        record, nbytes = self._whole._record, self._view().nbytes
        segment, offset, _ = record.place
        place = (segment, offset + self._start, nbytes)
        return record._replace(place=place, shape=(nbytes,), strides=(1,))

    def __reduce__(self) -> tuple[Any, ...]:
        """A handle of the whole, and which part."""
        return getitem, (self._whole, slice(self._start, self._start + self._view().nbytes))

    def __repr__(self) -> str:
        stop = self._start + self._view().nbytes
        return f"<sealbuf.Buffer [{self._start}:{stop}] of {self._whole!r}>"


def record_of(
    published: Mapping[str, Any],
    place: Place,
    owner: int,
    description: Description,
    metadata: bytes = b"",
) -> bytes:
    """The record of a buffer that this process published itself, made from the reply."""
    return encode_record(
        Record(
            published["name"],
            published["buffer"],
            published["version"],
            place,
            published["created"],
            owner,
            description.format,
            description.shape,
            description.strides,
            description.typestr,
            metadata,
            0,
        )
    )


def utc(micros: int) -> datetime:
    """A moment that the protocol gives in microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)
