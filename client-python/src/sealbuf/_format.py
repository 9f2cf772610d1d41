"""Formats of items, in the syntax of PEP 3118: read here, and told as NumPy's array interface does.

    d   >Zf   5s   (2,3)h   T{<i:id:<d:weight:3x}

A format is read once (and cached) into an Item: its size, and its type as plain objects that
`numpy.dtype` accepts, so that nothing here needs NumPy. Where the syntax leaves something open
(alignment, padding behind the last field, fields without a name) the result is what NumPy makes of
the same format in a memoryview; a test compares the two.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count as numbering
from math import lcm, prod
from typing import Any, NamedTuple, TypeAlias

from sealbuf._errors import InvalidRequest

Dtype: TypeAlias = Any
"""What `numpy.dtype` accepts: a typestr, a pair of type and shape, or a dict of fields."""

NATIVE = "@^"
"""Byte orders with the machine's sizes; `@`, the default, also aligns."""
BYTE_ORDERS = "@^=<>!"
_SIZES: dict[str, tuple[str, int, int]] = {
    "?": ("b", 1, 1),
    "c": ("S", 1, 1),
    "b": ("i", 1, 1),
    "B": ("u", 1, 1),
    "h": ("i", 2, 2),
    "H": ("u", 2, 2),
    "i": ("i", 4, 4),
    "I": ("u", 4, 4),
    "l": ("i", 8, 4),
    "L": ("u", 8, 4),
    "q": ("i", 8, 8),
    "Q": ("u", 8, 8),
    "n": ("i", 8, 0),
    "N": ("u", 8, 0),
    "e": ("f", 2, 2),
    "f": ("f", 4, 4),
    "d": ("f", 8, 8),
    "g": ("f", 16, 16),
    "Zf": ("c", 8, 8),
    "Zd": ("c", 16, 16),
    "Zg": ("c", 32, 32),
}
"""Kind in a typestr, size on the machine, standard size; 0: none."""
_RUNS: dict[str, tuple[str, int]] = {
    "s": ("S", 1),
    "p": ("V", 1),
    "u": ("V", 2),
    "w": ("U", 4),
    "x": ("V", 1),
}
"""Those whose count is a length: kind, and bytes of each character."""
_POINTERS = ("O", "P", "&", "X{")
_NO_POINTERS = (
    "has pointers, which mean nothing to other processes; put numbers, or what pickle.dumps returns"
)
_DEPTH_MAX = 16
_CACHED = 1024


class Item(NamedTuple):
    """One item of a format."""

    size: int
    unpadded: int
    """Without the padding behind its last member, as `struct` counts."""
    packed: int
    """Without any padding that the machine's alignment asks for."""
    alignment: int
    dtype: Dtype


@lru_cache(_CACHED)
def parse(format_: str) -> Item:
    """Reads a format; InvalidRequest where it is none, or where its items would hold pointers."""
    return _Reader(format_).whole()


@dataclass
class _Fields:
    """What has been read of a structure."""

    names: list[str | None] = field(default_factory=list)
    formats: list[Dtype] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    end: int = 0
    unpadded: int = 0
    packed: int = 0
    alignment: int = 1

    def append(self, item: Item, name: str | None, *, aligned: bool, shown: bool) -> None:
        if aligned:
            self.end += -self.end % item.alignment
            self.alignment = lcm(self.alignment, item.alignment)
        if shown:
            self.names.append(name)
            self.formats.append(item.dtype)
            self.offsets.append(self.end)
        self.end += item.size
        self.unpadded = self.end
        self.packed += item.packed

    def whole(self, *, structure: bool) -> Item:
        """What was read as one type: a single item without a name, unless it is in a structure."""
        if not structure and self.names == [None] and self.offsets == [0]:
            dtype = self.formats[0]
        else:
            names = _named(self.names)
            dtype = {"names": names, "formats": self.formats, "offsets": self.offsets,
                     "itemsize": self.end}  # fmt: skip
        return Item(self.end, self.unpadded, self.packed, self.alignment, dtype)


class _Reader:
    """Goes through a format once, from left to right."""

    def __init__(self, format_: str) -> None:
        self._format = format_
        self._order = "@"
        self._at = 0

    def whole(self) -> Item:
        if not self._format or self._format.isspace():
            raise self._refused("is empty")
        return self._fields(0)

    def _fields(self, depth: int) -> Item:
        """Everything up to the end of this structure; of the format, where depth is 0."""
        if depth > _DEPTH_MAX:
            raise self._refused("is nested too deep")
        read = _Fields()
        while not self._ends(depth):
            self._field(read, depth)
        if self._order == "@":
            read.end += -read.end % read.alignment
        return read.whole(structure=depth > 0)

    def _field(self, read: _Fields, depth: int) -> None:
        shape = self._shape()
        while self._next in BYTE_ORDERS:
            self._order = self._next
            self._at += 1
            self._while(" ")
        count = self._while("0123456789")
        padding = self._next == "x"
        item = self._item(int(count or 1), depth)
        if shape is not None:
            item = _times(item, prod(shape), shape)
        name = self._until(":") if self._skip(":") else None
        shown = name is not None or not padding
        read.append(item, name, aligned=self._order == "@", shown=shown)

    def _item(self, count: int, depth: int) -> Item:
        """The next type, `count` times."""
        if self._skip("T{"):
            item = self._fields(depth + 1)
        elif self._format.startswith(_POINTERS, self._at):
            raise self._refused(_NO_POINTERS)
        elif self._next in _RUNS:
            kind, size = _RUNS[self._next]
            self._at += 1
            return self._run(kind, size, count)
        else:
            item = self._number()
        if count == 1:
            return item
        return _times(item, count, (count,))

    def _run(self, kind: str, size: int, count: int) -> Item:
        length = count * size if kind == "V" else count
        order = self._mark if kind == "U" else "|"
        return _simple(count * size, size, f"{order}{kind}{length}")

    def _number(self) -> Item:
        code = self._format[self._at : self._at + (2 if self._next == "Z" else 1)]
        if code not in _SIZES:
            raise self._refused("is not one of PEP 3118")
        kind, native, standard = _SIZES[code]
        size = native if self._order in NATIVE else standard
        if size == 0:
            raise self._refused("has a type that only native formats know")
        self._at += len(code)
        order = "|" if size == 1 else self._mark
        alignment = size // 2 if kind == "c" else size
        return _simple(size, alignment, f"{order}{kind}{size}")

    @property
    def _mark(self) -> str:
        return ">" if self._order in ">!" else "<"

    @property
    def _next(self) -> str:
        return self._format[self._at : self._at + 1] or "end"

    def _ends(self, depth: int) -> bool:
        self._while(" ")
        if depth and self._skip("}"):
            return True
        ended = self._at == len(self._format)
        if depth and ended:
            raise self._refused("has a structure without an end")
        return ended

    def _shape(self) -> tuple[int, ...] | None:
        """Of a sub-array."""
        if not self._skip("("):
            return None
        axes = [axis.strip() for axis in self._until(")").split(",")]
        if axes[-1] == "" and len(axes) > 1:
            axes.pop()
        if not all(axis.isascii() and axis.isdigit() for axis in axes):
            raise self._refused("has a sub-array whose shape is not made of integers")
        return tuple(map(int, axes))

    def _until(self, end: str) -> str:
        stop = self._format.find(end, self._at)
        if stop < 0:
            raise self._refused(f"has no {end!r} where one is due")
        start, self._at = self._at, stop + 1
        return self._format[start:stop]

    def _skip(self, text: str) -> bool:
        """Steps over `text` if it comes next."""
        found = self._format.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _while(self, accepted: str) -> str:
        start = self._at
        while self._next in accepted:
            self._at += 1
        return self._format[start : self._at]

    def _refused(self, rule: str) -> InvalidRequest:
        return InvalidRequest(f"format {rule}: format={self._format!r} at={self._at}")


def _simple(size: int, alignment: int, typestr: str) -> Item:
    return Item(size, size, size, alignment, typestr)


def _times(item: Item, count: int, shape: tuple[int, ...]) -> Item:
    size = item.size * count
    return Item(size, size, item.packed * count, item.alignment, (item.dtype, shape))


def _named(names: list[str | None]) -> list[str]:
    """Gives those without a name one that nobody has, as NumPy does."""
    taken = set(names)
    free = (name for number in numbering() if (name := f"f{number}") not in taken)
    return [next(free) if name is None else name for name in names]
