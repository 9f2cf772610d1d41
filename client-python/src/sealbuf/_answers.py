"""The answers of a Buffer in place of `bytes`: see `_like_bytes` for the table of them.

Each takes the Buffer and what the method of `bytes` takes, and raises what that raises, since the
empty one is asked first, which takes no time.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from operator import index
from typing import TYPE_CHECKING, Any

from sealbuf import _memory as memory
from sealbuf import _search as search
from sealbuf._views import View

if TYPE_CHECKING:
    from sealbuf._buffer import Buffer


class Seen:
    """What has a view of bytes in memory, for the answers to see."""

    __slots__ = ()

    if TYPE_CHECKING:

        def memoryview(self) -> View: ...
        def to_bytes(self) -> bytes: ...
        def _is_bytes(self) -> bool: ...
        def _view(self) -> View: ...
        def _as_view(self) -> View: ...


def plain(given: Any) -> Any:
    """An argument as `bytes` takes it: before Python 3.12, no class can be bytes-like."""
    return given._view() if isinstance(given, Seen) else given


def _flat(given: Any) -> View:
    """The bytes of something bytes-like."""
    view = memoryview(given)
    return view if (view.format, view.ndim) == ("B", 1) else memoryview(view.tobytes())


def _sought(part: Any, start: Any, stop: Any) -> View:
    """What is looked for; a number is a byte."""
    part = plain(part)
    b"".find(part, start, stop)
    try:
        return _flat(part)
    except TypeError:
        return memoryview(bytes([index(part)]))


def _within(view: View, start: Any, stop: Any) -> tuple[int, View] | None:
    """The slice to search, and where it begins; None: nothing is there, not even nothing."""
    first, last, _ = slice(start, stop).indices(view.nbytes)
    if last < first or (start is not None and index(start) > view.nbytes):
        return None
    return first, view[first:last]


def finder(find: Callable[[View, View], int]) -> Callable[..., int]:
    def found(buffer: "Buffer", part: Any, start: Any = None, stop: Any = None, /) -> int:
        sought, within = _sought(part, start, stop), _within(buffer._view(), start, stop)
        if within is None:
            return -1
        first, view = within
        at = find(view, sought)
        return at if at < 0 else first + at

    return found


def indexer(find: Callable[..., int]) -> Callable[..., int]:
    def found(buffer: "Buffer", *given: Any) -> int:
        at = find(buffer, *given)
        if at < 0:
            raise ValueError("subsection not found")
        return at

    return found


def count(buffer: "Buffer", part: Any, start: Any = None, stop: Any = None, /) -> int:
    sought, within = _sought(part, start, stop), _within(buffer._view(), start, stop)
    return 0 if within is None else search.count(within[1], sought)


def _at_an_end(end: Callable[[View, int], View]) -> Callable[..., bool]:
    def is_there(buffer: "Buffer", parts: Any, start: Any = None, stop: Any = None, /) -> bool:
        within = _within(buffer._view(), start, stop)
        for part in parts if isinstance(parts, tuple) else (parts,):
            b"".removeprefix(plain(part))
            sought = _flat(plain(part))
            if within and memory.equal(end(within[1], sought.nbytes), sought):
                return True
        return False

    return is_there


def _head(view: View, nbytes: int) -> View:
    return view[:nbytes]


def _tail(view: View, nbytes: int) -> View:
    return view[max(view.nbytes - nbytes, 0) :]


startswith, endswith = _at_an_end(_head), _at_an_end(_tail)
find, rfind = finder(memory.find), finder(search.rfind)


def removeprefix(buffer: "Buffer", prefix: Any, /) -> "Buffer":
    b"".removeprefix(plain(prefix))
    nbytes = len(buffer)
    return buffer._part(_flat(plain(prefix)).nbytes * startswith(buffer, prefix), nbytes)


def removesuffix(buffer: "Buffer", suffix: Any, /) -> "Buffer":
    b"".removesuffix(plain(suffix))
    nbytes = len(buffer)
    return buffer._part(0, nbytes - _flat(plain(suffix)).nbytes * endswith(buffer, suffix))


def stripper(*, left: bool, right: bool) -> Callable[..., "Buffer"]:
    def strip(buffer: "Buffer", stripped: Any = None, /) -> "Buffer":
        stripped, view = plain(stripped), buffer._view()
        b"".strip(stripped)
        stop = search.end(view, stripped) if right else view.nbytes
        start = search.begin(view[:stop], stripped) if left else 0
        return buffer._part(start, stop)

    return strip


def split(buffer: "Buffer", sep: Any = None, maxsplit: Any = -1) -> list["Buffer"]:
    b"".split(plain(sep), maxsplit)
    return _parts(buffer, _spans(search.words, search.split, buffer, sep, maxsplit))


def rsplit(buffer: "Buffer", sep: Any = None, maxsplit: Any = -1) -> list["Buffer"]:
    b"".rsplit(plain(sep), maxsplit)
    return _parts(buffer, _spans(search.rwords, search.rsplit, buffer, sep, maxsplit))[::-1]


def _spans(
    words: Callable[[View, int], Iterator[search.Span]],
    split: Callable[[View, View, int], Iterator[search.Span]],
    buffer: "Buffer",
    separator: Any,
    most: Any,
) -> Iterator[search.Span]:
    if separator is None:
        return words(buffer._view(), index(most))
    return split(buffer._view(), _flat(plain(separator)), index(most))


def splitlines(buffer: "Buffer", keepends: Any = False) -> list["Buffer"]:
    b"".splitlines(keepends)
    return _parts(buffer, search.lines(buffer._view(), ends=bool(keepends)))


def _parts(buffer: "Buffer", spans: Iterable[search.Span]) -> list["Buffer"]:
    return [buffer._part(start, stop) for start, stop in spans]


Three = tuple["Buffer", "Buffer", "Buffer"]


def partition(buffer: "Buffer", separator: Any, /) -> Three:
    b"".partition(plain(separator))
    nbytes, at = len(buffer), find(buffer, separator)
    if at < 0:
        return buffer, buffer._part(nbytes, nbytes), buffer._part(nbytes, nbytes)
    return _around(buffer, at, at + _flat(plain(separator)).nbytes)


def rpartition(buffer: "Buffer", separator: Any, /) -> Three:
    b"".rpartition(plain(separator))
    at = rfind(buffer, separator)
    if at < 0:
        return buffer._part(0, 0), buffer._part(0, 0), buffer
    return _around(buffer, at, at + _flat(plain(separator)).nbytes)


def _around(buffer: "Buffer", start: int, stop: int) -> Three:
    nbytes = len(buffer)
    return buffer._part(0, start), buffer._part(start, stop), buffer._part(stop, nbytes)


def asked(forbidden: bytes, needed: bytes) -> Callable[["Buffer"], bool]:
    """Whether nothing forbidden is in it, and something needed is."""
    no, some = re.compile(forbidden), re.compile(needed, re.DOTALL)

    def holds(buffer: "Buffer") -> bool:
        view = buffer._view()
        return not no.search(view) and some.search(view) is not None

    return holds


def decode(buffer: "Buffer", encoding: Any = "utf-8", errors: Any = "strict") -> str:
    return str(buffer._view(), encoding, errors)


def join(buffer: "Buffer", parts: Iterable[Any], /) -> bytes:
    return buffer.to_bytes().join([plain(part) for part in parts])


def ordered(compare: Callable[[int, int], bool]) -> Callable[["Seen", object], bool]:
    def compared(buffer: "Seen", other: object) -> Any:
        comparable = isinstance(other, bytes | bytearray) or _is_bytes(other)
        if not comparable or not buffer._is_bytes():
            return NotImplemented
        return compare(memory.order(buffer._view(), _flat(plain(other))), 0)

    return compared


def _is_bytes(given: object) -> bool:
    return isinstance(given, Seen) and given._is_bytes()
