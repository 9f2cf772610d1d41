"""Python objects as buffers: a pickle and its out-of-band buffers, one behind the other.

The format is *Object* in `protocol/LAYOUT.md`. What marks an object is its metadata and not its
first bytes: so no content that somebody lets a program put (an upload, say) can pass for one.

Unpickling runs whatever the pickle says. A lie about the lengths, on the other hand, is caught
before anything is taken: each part is a slice of the buffer's own memory.
"""

import pickle
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from sealbuf import _memory as memory
from sealbuf._buffer import Buffer
from sealbuf._description import Description
from sealbuf._errors import InvalidRequest, NotPermitted
from sealbuf._layout import ALIGNMENT
from sealbuf._views import View, written

MARK = b"sealbuf-object/1"
"""The metadata of an object, version included."""
PICKLE_PROTOCOL = 5
COUNT = struct.Struct("<Q")


class Pickled(NamedTuple):
    """An object on its way into the store: the index, the pickle and its buffers."""

    parts: list[View]
    offsets: list[int]
    nbytes: int

    @classmethod
    def of(cls, obj: Any) -> Self:
        buffers: list[pickle.PickleBuffer] = []
        stream = pickle.dumps(obj, PICKLE_PROTOCOL, buffer_callback=buffers.append)
        parts = [memoryview(stream), *(buffer.raw() for buffer in buffers)]
        lengths = [part.nbytes for part in parts]
        offsets, nbytes = places(lengths)
        index = memoryview(struct.pack(f"<{len(lengths) + 1}Q", len(lengths), *lengths))
        return cls([index, *parts], [0, *offsets], nbytes)

    @property
    def description(self) -> Description:
        return Description.of_bytes(self.nbytes)

    @property
    def metadata(self) -> bytes:
        return MARK

    @property
    def flat(self) -> View:
        return written(self)

    def write(self, room: View) -> None:
        for part, offset in zip(self.parts, self.offsets, strict=True):
            memory.copy(part, room[offset : offset + part.nbytes])


def unpickled(buffer: Buffer, uid: int, *, allow_pickle: bool) -> Any:
    """The object in a buffer, for a process of that uid."""
    stream, *buffers = parts_for(uid, buffer, allow_pickle=allow_pickle)
    return pickle.loads(stream, buffers=buffers)


def parts_for(uid: int, buffer: Buffer, *, allow_pickle: bool) -> list[View]:
    """The pickle and its buffers, if the buffer is an object that a process of that uid may
    unpickle."""
    if buffer.metadata != MARK:
        raise InvalidRequest(
            f"not an object: put_object did not publish it: name={buffer.name} "
            f"metadata={buffer.metadata[: len(MARK)]!r} expected={MARK!r}"
        )
    if buffer.owner != uid and not allow_pickle:
        raise NotPermitted(
            f"unpickling runs whatever the publisher chose, so an object of another user needs "
            f"allow_pickle=True: name={buffer.name} owner={buffer.owner} uid={uid}"
        )
    return parts_of(buffer._view(), buffer.name)


def parts_of(payload: View, name: str) -> list[View]:
    """The pickle and its buffers; InvalidRequest unless their lengths fit the payload exactly."""
    nbytes = payload.nbytes
    count = COUNT.unpack_from(payload)[0] if nbytes >= COUNT.size else 0
    if not 0 < count < nbytes // COUNT.size:
        raise InvalidRequest(
            f"object without a whole index: name={name} nbytes={nbytes} count={count}"
        )
    lengths = struct.unpack_from(f"<{count}Q", payload, COUNT.size)
    offsets, end = places(lengths)
    if end != nbytes:
        raise InvalidRequest(
            f"object of another length than its index says: name={name} nbytes={nbytes} "
            f"count={count} says={end}"
        )
    return [
        payload[offset : offset + length] for offset, length in zip(offsets, lengths, strict=True)
    ]


def places(lengths: Sequence[int]) -> tuple[list[int], int]:
    """Where the parts behind an index of so many lengths begin, and where the last one ends."""
    offsets, end = [], COUNT.size * (1 + len(lengths))
    for length in lengths:
        offsets.append(-(-end // ALIGNMENT) * ALIGNMENT)
        end = offsets[-1] + length
    return offsets, end
