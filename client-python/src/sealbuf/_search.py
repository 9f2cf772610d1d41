"""What `bytes` finds in its bytes, found in a view of memory that is not copied.

CPython's own algorithms take a bytes object and nothing else. Forwards, memmem(3) searches in
place, and so does `re`, which takes any view. What neither does (backwards, counting, stripping) is
asked of `bytes` itself, for one window after the other: copies of 256 bytes at first, since most is
found near the end where the search begins, and of 64 KiB later, or twice what is looked for.

Views here are of single bytes, C-contiguous. Places are offsets into them; a span is where a part
begins and where it ends.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import TypeAlias

from sealbuf import _memory as memory
from sealbuf._views import View

Span: TypeAlias = tuple[int, int]

FIRST_WINDOW = 256
WINDOW = 64 << 10
_WORD = re.compile(rb"\S+")
_LINE = re.compile(rb"([^\r\n]*+)(?:\r\n?+|\n)|[^\r\n]++")
_NO_SPACE = bytes(byte for byte in range(256) if not bytes([byte]).isspace())


def rfind(view: View, part: View) -> int:
    """Where these bytes are last; -1 where they are not."""
    for start, window in _from_the_right(view, max(part.nbytes - 1, 0)):
        found = window.rfind(part)
        if found >= 0:
            return start + found
    return -1


def count(view: View, part: View) -> int:
    """How often these bytes are in it, each time behind the end of the time before."""
    length = part.nbytes
    if length == 0:
        return view.nbytes + 1
    counted, start = 0, 0
    while view.nbytes - start >= length:
        window = view[start : start + max(WINDOW, 2 * length)].tobytes()
        here = window.count(part)
        counted += here
        start += max(_end_of(window, part, here), len(window) - length + 1)
    return counted


def _end_of(window: bytes, part: View, times: int) -> int:
    """Where those end that were counted, of which the last may not be the last that there is."""
    if times == 0:
        return 0
    last = window.rfind(part)
    ends = range(last + part.nbytes)
    return bisect_left(ends, times, lo=last + 1, key=lambda end: window.count(part, 0, end))


def begin(view: View, stripped: bytes | View | None) -> int:
    """Where it begins without the bytes that are stripped; None: white space."""
    for start, window in _from_the_left(view):
        left = len(window.lstrip(stripped))
        if left:
            return start + len(window) - left
    return view.nbytes


def end(view: View, stripped: bytes | View | None) -> int:
    """Where it ends without them."""
    for start, window in _from_the_right(view, 0):
        left = len(window.rstrip(stripped))
        if left:
            return start + left
    return 0


def split(view: View, separator: View, most: int) -> Iterator[Span]:
    """What lies between separators; below 0, `most` is no limit."""
    start = 0
    for found in memory.finds(view, separator) if most else ():
        yield start, found
        start = found + separator.nbytes
        most -= 1
        if not most:
            break
    yield start, view.nbytes


def rsplit(view: View, separator: View, most: int) -> Iterator[Span]:
    """The same from the right, the last one first."""
    stop = view.nbytes
    while most and (found := rfind(view[:stop], separator)) >= 0:
        yield found + separator.nbytes, stop
        stop = found
        most -= 1
    yield 0, stop


def words(view: View, most: int) -> Iterator[Span]:
    """What lies between white space; behind so many words, all the rest."""
    for word in _WORD.finditer(view):
        if not most:
            yield word.start(), view.nbytes
            return
        yield word.span()
        most -= 1


def rwords(view: View, most: int) -> Iterator[Span]:
    """The same from the right, the last one first."""
    stop = end(view, None)
    while stop and most:
        start = end(view[:stop], _NO_SPACE)
        yield start, stop
        stop = end(view[:start], None)
        most -= 1
    if stop:
        yield 0, stop


def lines(view: View, *, ends: bool) -> Iterator[Span]:
    r"""Lines, with or without what ends them: `\n`, `\r` or `\r\n`."""
    for line in _LINE.finditer(view):
        yield line.span(0 if ends or line.lastindex is None else 1)


def _from_the_left(view: View) -> Iterator[tuple[int, bytes]]:
    """Windows one behind the other, and where each begins; at least one."""
    start, size = 0, FIRST_WINDOW
    while True:
        yield start, view[start : start + size].tobytes()
        start += size
        if start >= view.nbytes:
            return
        size = min(2 * size, WINDOW)


def _from_the_right(view: View, overlap: int) -> Iterator[tuple[int, bytes]]:
    """The same from the right. Each goes on for `overlap` bytes into the one before it."""
    stop, size = view.nbytes, FIRST_WINDOW
    while True:
        size = max(size, overlap)
        start = max(stop - size, 0)
        yield start, view[start : stop + overlap].tobytes()
        if start == 0:
            return
        stop, size = start, min(2 * size, WINDOW)
