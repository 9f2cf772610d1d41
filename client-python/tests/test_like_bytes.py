"""A Buffer of bytes beside `bytes`: the whole surface, with random content and arguments, good ones
and bad.

What differs is listed with its reason; each other answer must be the same, or the same kind of
exception. Small windows have searches cross as many borders as large content would.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sealbuf
from helpers.typed import unpublished
from sealbuf import _search as search
from sealbuf._source import Source

CONSTRUCTORS = "makes bytes from something else: it is the class bytes that has it"
NOT_HERE = {"fromhex": CONSTRUCTORS, "maketrans": CONSTRUCTORS}
"""Public names of `bytes` that a Buffer has not, and why."""
OTHERWISE = {
    "__getnewargs__": "a Buffer is pickled as a handle, a part of one as a handle and a slice",
    "__rmod__": "bytes has it for its subclasses; text that is formatted is on the left",
}
"""The same of special names."""

# The surface of `Bytes` in pyo3-bytes 0.7.1, by its type stub.
PYO3_BYTES = {
    "__add__", "__buffer__", "__contains__", "__eq__", "__getitem__", "__len__", "__mul__",
    "__repr__", "isalnum", "isalpha", "isascii", "isdigit", "islower", "isspace", "istitle",
    "isupper", "lower", "removeprefix", "removesuffix", "to_bytes", "upper",
}  # fmt: skip

PARTS = {
    "lstrip", "partition", "removeprefix", "removesuffix", "rpartition", "rsplit", "rstrip",
    "split", "splitlines", "strip",
}  # fmt: skip
"""Methods that answer with parts of the content."""

NAMES = sorted(name for name in dir(bytes) if not name.startswith("_") and name not in NOT_HERE)

OPERATORS: dict[str, Callable[..., object]] = {
    "[]": lambda x, at: x[at],
    "in": lambda x, other: other in x,
    "+": lambda x, other: x + other,
    "+ from the right": lambda x, other: other + x,
    "*": lambda x, other: x * other,
    "* from the right": lambda x, other: other * x,
    "%": lambda x, other: x % other,
    "<": lambda x, other: x < other,
    "<=": lambda x, other: x <= other,
    ">": lambda x, other: x > other,
    ">=": lambda x, other: x >= other,
    "< from the right": lambda x, other: other < x,
    "==": lambda x, other: x == other,
    "!=": lambda x, other: x != other,
    "len": lambda x, _: len(x),
    "bool": lambda x, _: bool(x),
    "hash": lambda x, _: hash(x),
    "bytes": lambda x, _: bytes(x),
    "list": lambda x, _: list(x),
    "reversed": lambda x, _: list(reversed(x)),
}


class Twin:
    """An argument that is bytes on the one side and a Buffer of them on the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"Twin({self.data!r})"


def buffer_of(data: bytes, format_: str = "B") -> sealbuf.Buffer:
    whole = memoryview(b"<" + data + b">").cast(format_)  # type: ignore[call-overload]
    return unpublished(Source.of(whole))[1:-1]  # type: ignore[no-any-return]


ALPHABET = st.sampled_from([*b"aaaabbAB  \t\n\n\r,,%s19\0\x80\xff"])
CONTENT = st.lists(ALPHABET, max_size=40).map(bytes)
PIECE = st.lists(ALPHABET, max_size=3).map(bytes)
SEVERAL = st.lists(st.one_of(PIECE, PIECE.map(Twin), st.just("a")), max_size=3)
NUMBER = st.integers(-45, 45)
SLICE = st.slices(40) | st.builds(slice, NUMBER | st.none(), NUMBER | st.none())
ANYTHING = st.one_of(
    PIECE,
    PIECE.map(Twin),
    PIECE.map(bytearray),
    PIECE.map(memoryview),  # type: ignore[arg-type]
    NUMBER,
    SEVERAL,
    SEVERAL.map(tuple),
    SLICE,
    st.sampled_from(
        [None, "a", "utf-8", "ascii", "ignore", 1.5, True, 97, 300, -1, 2**70, -(2**70), 2**31]
    ),
    st.sampled_from([np.uint8(97), np.arange(3, dtype="u1"), memoryview(b"abcdef")[::2]]),
    st.sampled_from([bytes(range(256)), {"a": b"b"}, object]),
)
KEYWORDS = st.dictionaries(
    st.sampled_from(["sep", "maxsplit", "keepends", "tabsize", "delete", "encoding", "errors"]),
    ANYTHING,
    max_size=2,
)
ARGUMENTS = st.one_of(
    st.tuples(),
    st.tuples(PIECE | PIECE.map(Twin)),
    st.tuples(PIECE | PIECE.map(Twin), NUMBER),
    st.tuples(PIECE | PIECE.map(Twin) | SEVERAL.map(tuple), NUMBER, NUMBER),
    st.tuples(PIECE, PIECE, NUMBER),
    st.tuples(NUMBER, PIECE),
    st.tuples(st.none(), NUMBER),
    st.lists(ANYTHING, max_size=4).map(tuple),
)


@contextmanager
def windows(size: int) -> Iterator[None]:
    with mock.patch.multiple(search, FIRST_WINDOW=size, WINDOW=2 * size):
        yield


def as_bytes(given: Any) -> Any:
    if isinstance(given, Twin):
        return given.data
    return type(given)(map(as_bytes, given)) if isinstance(given, list | tuple) else given


def as_buffer(given: Any) -> Any:
    if isinstance(given, Twin):
        return buffer_of(given.data)
    return type(given)(map(as_buffer, given)) if isinstance(given, list | tuple) else given


def seen(answer: Any) -> object:
    """An answer without what may differ: bytes for a Buffer of them."""
    if isinstance(answer, list | tuple):
        return type(answer), [seen(each) for each in answer]
    if isinstance(answer, sealbuf.Buffer):
        return bytes, repr(bytes(answer))
    return type(answer), repr(answer)  # of NaN and of arrays


def outcome(call: Callable[[], object], name: str = "") -> object:
    """What it answers or raises. In a partition, `bytes` answers with the very separator that it
    was given, whatever that is; a Buffer with the one that it found."""
    try:
        answer = call()
        return seen(list(map(bytes, answer)) if "partition" in name else answer)  # type: ignore[call-overload]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return type(error)


def too_large(arguments: Any) -> bool:
    """What would ask for gigabytes."""
    return any(isinstance(each, int) and 1 << 20 < abs(each) < 1 << 62 for each in arguments)


NUMPY = np.ndarray | np.generic
OTHER_ANSWERS: dict[tuple[str, ...], tuple[Any, str]] = {
    ("hex",): (Twin, "a separator is str or bytes; what is bytes-like is refused, by bytes too"),
    ("+", "+ from the right", "*", "* from the right", "%", "<", "<=", ">", ">=", "==", "!=",
     "< from the right"): (NUMPY, "NumPy calculates with it as an array, where bytes are text"),
}  # fmt: skip
"""Methods and operators, and arguments for which they answer otherwise, and why."""


def listed(name: str, other: object) -> bool:
    return any(
        name in names and isinstance(other, kind) for names, (kind, _) in OTHER_ANSWERS.items()
    )


@pytest.mark.shows(57)
@pytest.mark.parametrize("name", NAMES)
def test_a_method_answers_as_that_of_bytes(name: str, rounds: Callable[..., int]) -> None:
    @settings(max_examples=rounds(1000, small=60), deadline=None)
    @given(CONTENT, ARGUMENTS, KEYWORDS | st.just({}), st.sampled_from([1, 2, 3, 256]),
           st.sampled_from("Bbc"))  # fmt: skip
    def same(data: bytes, arguments: Any, named: dict[str, Any], window: int, format_: str) -> None:
        given = [*arguments, *named.values()]
        if too_large(given) or any(listed(name, each) for each in given):
            return
        theirs = [as_bytes(each) for each in arguments], {k: as_bytes(named[k]) for k in named}
        mine = [as_buffer(each) for each in arguments], {k: as_buffer(named[k]) for k in named}
        buffer = buffer_of(data, format_)
        expected = outcome(lambda: getattr(data, name)(*theirs[0], **theirs[1]), name)
        with windows(window):
            assert outcome(lambda: getattr(buffer, name)(*mine[0], **mine[1]), name) == expected

    same()


@pytest.mark.shows(57)
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_answers_as_that_of_bytes(name: str, rounds: Callable[..., int]) -> None:
    operator = OPERATORS[name]

    @settings(max_examples=rounds(1000, small=60), deadline=None)
    @given(CONTENT, ANYTHING, st.sampled_from([1, 2, 256]))
    def same(data: bytes, other: Any, window: int) -> None:
        if too_large([other]) or listed(name, other):
            return
        expected = outcome(lambda: operator(data, as_bytes(other)))
        with windows(window):
            assert outcome(lambda: operator(buffer_of(data), as_buffer(other))) == expected

    same()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(b"ab"), max_size=60).map(bytes),
       st.lists(st.sampled_from(b"ab"), min_size=1, max_size=7).map(bytes),
       st.sampled_from([1, 2, 3, 5, 8]))  # fmt: skip
def test_what_overlaps_is_found_and_counted_as_bytes_does(
    data: bytes, part: bytes, window: int
) -> None:
    buffer = buffer_of(data)
    with windows(window):
        assert buffer.count(part) == data.count(part)
        assert buffer.find(part) == data.find(part)
        assert buffer.rfind(part) == data.rfind(part)
        assert buffer.split(part) == data.split(part)
        assert buffer.rsplit(part, 2) == data.rsplit(part, 2)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_part_of_the_content_is_a_buffer_over_the_same_memory(name: str) -> None:
    buffer = buffer_of(b"  one,two  ")
    arguments = (b",",) if "partition" in name else (b"  ",) if "remove" in name else ()
    answer = getattr(buffer, name)(*arguments)
    parts = answer if isinstance(answer, list | tuple) else [answer]
    for part in parts:
        assert isinstance(part, sealbuf.Buffer)
        at = part.address - buffer.address
        assert buffer[at : at + len(part)] == part


def test_what_is_new_is_bytes() -> None:
    buffer = buffer_of(b"one")
    for new in (buffer.upper(), buffer + b"!", b"!" + buffer, 2 * buffer, buffer[::-1]):
        assert type(new) is bytes
    assert type(bytearray(b"!") + buffer) is bytearray


def test_a_method_says_what_it_is() -> None:
    buffer = buffer_of(b"one")
    assert repr(buffer.find).startswith("<bound method Buffer.find of <sealbuf.Buffer ")
    assert (buffer.split.__doc__, buffer.hex.__doc__) == (
        bytes.split.__doc__,
        memoryview.hex.__doc__,
    )
    with pytest.raises(TypeError) as caught:
        buffer.rfind()  # type: ignore[call-arg]
    assert str(caught.value) == "Buffer.rfind() missing 1 required positional argument: 'part'"


def test_names_that_it_has_not_are_listed() -> None:
    buffer = buffer_of(b"one")
    assert {name for name in dir(bytes) if not hasattr(buffer, name)} == {*NOT_HERE, *OTHERWISE}


def test_it_has_what_bytes_of_pyo3_has() -> None:
    missing = {name for name in PYO3_BYTES if not hasattr(buffer_of(b"one"), name)}
    assert missing <= {"__buffer__"}, "which Python 3.11 gives to no class"


def test_items_of_another_format_have_the_methods_of_their_memoryview() -> None:
    items: Any = np.arange(6, dtype="i2").reshape(2, 3)
    buffer, view = unpublished(Source.of(items)), memoryview(items).toreadonly()
    assert (
        {name for name in NAMES if hasattr(buffer, name)}
        == {name for name in NAMES if hasattr(view, name)}
        == {"hex"}
    )
    with pytest.raises(AttributeError) as caught:
        buffer.find(b"")
    assert str(caught.value) == ("only a buffer of bytes has 'find': format='h' shape=(2, 3)")


NOT_OF_A_VIEW = {
    "release": "it would end the memory for all who use the Buffer; release a view of it",
    "__enter__": "it would release it at the end of the block",
    "__exit__": "the same",
    "obj": "the object that owns the mapping is nobody's business",
    "__setitem__": "it cannot be written to",
    "__delitem__": "the same",
    "_from_flags": "makes memoryviews",
    "__release_buffer__": "a view of Python's is released by itself",
}
"""Names of memoryview that a Buffer has not, and why."""


@pytest.mark.parametrize("items", [np.arange(6, dtype="i2").reshape(2, 3), np.arange(4.0),
                                   np.frombuffer(b"abc", "u1"), np.asfortranarray(np.ones((2, 3))),
                                   np.zeros((0, 3)), np.array(1.5)])  # fmt: skip
def test_every_buffer_has_what_its_memoryview_has(items: Any) -> None:
    buffer, view = unpublished(Source.of(items)), memoryview(items).toreadonly()
    assert {name for name in dir(view) if not hasattr(buffer, name)} <= set(NOT_OF_A_VIEW)
    for name in ("ndim", "contiguous", "c_contiguous", "f_contiguous", "suboffsets", "nbytes",
                 "format", "itemsize", "shape", "strides", "readonly"):  # fmt: skip
        assert getattr(buffer, name) == getattr(view, name), name
    for name in ("tolist", "tobytes", "hex"):
        assert outcome(getattr(buffer, name)) == outcome(getattr(view, name)), name
    assert buffer.tobytes("F") == view.tobytes("F")
    assert buffer.hex("-", 2) == view.hex("-", 2)


def test_it_is_cast_as_its_memoryview_is() -> None:
    buffer = buffer_of(bytes(range(8)))
    assert buffer.cast("H").tolist() == memoryview(bytes(range(8))).cast("H").tolist()
    assert buffer.cast("B", (2, 4)).shape == (2, 4)
    assert buffer.cast("B", shape=[4, 2]).readonly
    assert buffer.toreadonly() == buffer
    with pytest.raises(TypeError):
        buffer.cast("I", (3, 3))
    view = buffer.cast("H")
    del buffer
    assert view[0] == 256
