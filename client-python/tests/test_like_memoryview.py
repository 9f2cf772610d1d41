"""A Buffer beside CPython's own read-only objects, operation by operation; the methods of `bytes`
are in `test_like_bytes`.

With one axis of bytes it is compared with `bytes`, otherwise with the memoryview of the same items.
Where it differs, the table says how and why; a difference that is not listed is a failure, and so
is one that is listed and not there.
"""

import copy
import operator
import struct
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sealbuf
from helpers.typed import unpublished
from sealbuf._source import Source

RAW = bytes(range(24))
if sys.version_info >= (3, 12):
    from collections.abc import Buffer as Kind
else:
    from typing_extensions import Buffer as Kind

Operation = Callable[[Any], object]

OPERATIONS: dict[str, Operation] = {
    "len": len,
    "bool": bool,
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "past the end": lambda x: x[99],
    "index of another type": lambda x: x["a"],
    "a tuple": lambda x: x[1, 2],
    "a tuple too long": lambda x: x[0, 0, 0, 0],
    "the empty tuple": lambda x: x[()],
    "ellipsis": lambda x: bytes(x[...]),
    "a slice": lambda x: bytes(x[1:3]),
    "backwards": lambda x: bytes(x[::-1]),
    "slices of two axes": lambda x: x[0:1, 0:1],
    "what a slice is": lambda x: type(x[1:3]).__name__,
    "assignment": lambda x: operator.setitem(x, 0, 1),
    "deletion": lambda x: operator.delitem(x, 0),
    "iteration": list,
    "in": lambda x: 7 in x,
    "not in": lambda x: 99 in x,
    "a part in": lambda x: RAW[5:9] in x,
    "other bytes in": lambda x: RAW[9:4:-1] in x,
    "nothing in": lambda x: b"" in x,
    "all of it in": lambda x: RAW in x,
    "more than it in": lambda x: RAW + b"!" in x,
    "reversed": lambda x: list(reversed(x)),
    "bytes": bytes,
    "hash": hash,
    "== its bytes": lambda x: x == RAW,
    "== other bytes": lambda x: x == RAW[::-1],
    "== a view of the same": lambda x: x == memoryview(RAW),
    "== None": lambda x: x == None,  # noqa: E711 - the operation is the subject
    "<": lambda x: x < x,  # noqa: PLR0124
    "+": lambda x: x + b"!",
    "*": lambda x: x * 2,
    "int.from_bytes": lambda x: int.from_bytes(bytes(x), "little"),
    "a weak reference": lambda x: weakref.ref(x)() is x,
    "a copy": lambda x: copy.copy(x) == x,
    "an attribute": lambda x: setattr(x, "colour", 1),
    "a dictionary key": lambda x: {x: 1}[x],
}
EXPORTS: dict[str, Operation] = {
    "memoryview": lambda x: memoryview(x).tobytes(),
    "format": lambda x: memoryview(x).format,
    "readonly": lambda x: memoryview(x).readonly,
    "cast": lambda x: memoryview(x).cast("B").tolist(),
    "cast to another size": lambda x: memoryview(x).cast("B").cast("Q").tolist(),
    "tolist": lambda x: memoryview(x).tolist(),
    "hex": lambda x: memoryview(x).hex(),
    "toreadonly": lambda x: memoryview(x).toreadonly().tobytes(),
    "release": lambda x: memoryview(x).release(),
    "after a release": lambda x: _released(x)[0],
    "join": lambda x: b"".join([x, x]),
    "+ to a bytearray": lambda x: bytes(bytearray(b"!") + x),
    "unpack": lambda x: struct.unpack_from("2B", x),
    "write": lambda x: memoryview(x).__setitem__(0, 1),
    "write into": lambda x: struct.pack_into("B", x, 0, 1),
}
"""What only objects with the buffer protocol can do, which Python 3.11 gives to no class."""

AS_A_VIEW = "the same refusal, in the view's words"
FROM_BYTES = {
    "past the end": AS_A_VIEW,
    "index of another type": AS_A_VIEW,
    "a tuple": AS_A_VIEW,
    "a tuple too long": AS_A_VIEW,
    "the empty tuple": AS_A_VIEW,
    "ellipsis": AS_A_VIEW,
    "slices of two axes": AS_A_VIEW,
    "what a slice is": "a Buffer over the same pages: slicing copies nothing",
    "a weak reference": "bytes take none",
}
"""How a Buffer of bytes differs from `bytes`, and why."""
BY_FORMAT = {
    "B": {},
    "b": {"format": "the producer's"},
    "c": {"format": "the producer's", "tolist": "that of the producer's format"},
}
FROM_A_VIEW = {
    "assignment": "a class without assignment says so, a view that its memory is read-only",
    "deletion": "the same",
    "hash": "a Buffer never changes and is equal to others: it has a hash in every format",
    "a dictionary key": "the same",
    "a copy": "a view has none; what never changes is its own copy",
}
"""How a Buffer of items differs from their memoryview, and why."""
BEFORE_3_12 = {
    "a slice": "a view of what cannot be cast needs the buffer protocol, which no class has there",
    "backwards": "the same",
    "what a slice is": "the same",
}


def _released(data: Any) -> memoryview:
    view = memoryview(data)
    view.release()
    return view


def outcome(operation: Operation, data: Any, called: str) -> object:
    """The result, or what was raised and how it said so, its class by the other one's name."""
    try:
        return repr(operation(data))  # NaN is equal to itself there
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error).__name__, str(error).replace("Buffer", called)


def differing(mine: Any, theirs: Any) -> set[str]:
    called = type(theirs).__name__
    exporting = EXPORTS if sys.version_info >= (3, 12) else {}
    return {
        name
        for name, operation in {**OPERATIONS, **exporting}.items()
        if outcome(operation, mine, called) != outcome(operation, theirs, called)
    }


@pytest.mark.parametrize("format_", BY_FORMAT)
def test_with_bytes_it_is_like_bytes(format_: str) -> None:
    buffer = unpublished(Source.of(memoryview(RAW).cast("B").cast(format_)))  # type: ignore[call-overload]
    exporting = BY_FORMAT[format_] if sys.version_info >= (3, 12) else {}
    assert differing(buffer, RAW) == {*FROM_BYTES, *exporting}


ITEMS: dict[str, Any] = {
    "shorts": np.arange(12, dtype="i2"),
    "doubles": np.array([1.0, np.nan, -0.0]),
    "rows": np.arange(6, dtype="i4").reshape(2, 3),
    "bytes in rows": np.arange(24, dtype="u1").reshape(4, 6),
    "one": np.array(1.5),
    "flags": np.array([True, False]),
    "columns": np.asfortranarray(np.arange(6, dtype="i4").reshape(2, 3)),
    "big-endian": np.arange(3, dtype=">f8"),
    "halves": np.arange(3, dtype="f2"),
    "complex": np.arange(3, dtype="c16"),
    "letters": np.array(["ab", "c"]),
    "structures": np.zeros(3, "i4,f4"),
}
CASTABLE = {"shorts", "doubles", "rows", "bytes in rows", "one", "flags"}


@pytest.mark.parametrize("what", ITEMS)
def test_with_items_it_is_like_their_memoryview(what: str) -> None:
    view = memoryview(ITEMS[what]).toreadonly()
    found = differing(unpublished(Source.of(ITEMS[what])), view)
    missing = BEFORE_3_12 if sys.version_info < (3, 12) and what not in CASTABLE else {}
    assert found == {*FROM_A_VIEW, *missing}


def test_before_3_12_a_slice_of_what_cannot_be_cast_says_what_to_do() -> None:
    buffer = unpublished(Source.of(ITEMS["columns"]))
    assert buffer[1, 2] == 5
    if sys.version_info >= (3, 12):
        assert buffer[1:].tolist() == [[3, 4, 5]]
        return
    with pytest.raises(NotImplementedError) as caught:
        buffer[1:]
    assert str(caught.value) == (
        "no slices of this format before Python 3.12; use numpy.asarray(buffer): format='i'"
    )


@pytest.mark.parametrize("what", ITEMS)
def test_a_buffer_equals_one_of_the_same_format_shape_and_bytes(what: str) -> None:
    buffer = unpublished(Source.of(ITEMS[what]))
    assert buffer == unpublished(Source.of(ITEMS[what]), "y")
    assert hash(buffer) == hash(buffer.to_bytes())
    assert buffer != unpublished(Source.of(buffer.to_bytes()))


def test_it_is_a_buffer_to_isinstance() -> None:
    assert isinstance(unpublished(Source.of(RAW)), Kind)
    assert issubclass(sealbuf.Writer, Kind)


def test_a_buffer_may_be_looked_for_in_another() -> None:
    buffer = unpublished(Source.of(RAW))
    assert unpublished(Source.of(RAW[3:7])) in buffer
    assert unpublished(Source.of(RAW[::-1])) not in buffer
    assert np.frombuffer(RAW[3:7], dtype="u1") in buffer
    with pytest.raises(TypeError) as caught:
        assert "text" in buffer
    assert str(caught.value) == "argument should be integer or bytes-like object, not 'str'"
