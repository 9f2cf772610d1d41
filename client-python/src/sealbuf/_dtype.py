"""The items that `create` is asked for: by their names, or by whatever `numpy.dtype` accepts.

The usual names need no NumPy. Both ways lead to the same format, that of a memoryview of such an
array; a test compares them.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from operator import index
from typing import Any, NamedTuple, SupportsIndex, TypeAlias

from sealbuf._description import Description, described
from sealbuf._errors import InvalidRequest
from sealbuf._limits import SEQ_MAX
from sealbuf._numpy import format_of, typestr_of, view_of

Shape: TypeAlias = SupportsIndex | Iterable[SupportsIndex]


class Items(NamedTuple):
    """The items of an array: `axes` are those of a sub-array, behind the array's own."""

    format: str
    size: int
    axes: tuple[int, ...] = ()
    typestr: str = ""


_NAMES = {
    "bool": "b1",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "float16": "f2",
    "float32": "f4",
    "float64": "f8",
    "complex64": "c8",
    "complex128": "c16",
    "datetime64": "M8",
    "timedelta64": "m8",
}
_FORMATS = {
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "l",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "L",
    "f2": "e",
    "f4": "f",
    "f8": "d",
    "c8": "Zf",
    "c16": "Zd",
}
_STANDARD = {"l": "q", "L": "Q"}
"""What 8 bytes are called where the byte order is said."""
_KNOWN = re.compile(r"(?P<order>[<>=|]?)(?P<type>[a-zA-Z]+\d+)(?P<unit>\[\w+\])?")
_UNIT = re.compile(r"\[([2-9]|[1-9]\d+)?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]")
_TIMES = ("M8", "m8")


@lru_cache(256)
def by_name(name: str) -> Items | None:
    """Of a usual name or a typestr; None where only NumPy may know it."""
    base, bracket, rest = name.partition("[")
    match = _KNOWN.fullmatch(_NAMES.get(base, base) + bracket + rest)
    if match is None:
        return None
    order, type_, unit = match["order"], match["type"], match["unit"] or ""
    mark = ">" if order == ">" else "<"
    if type_ in _TIMES and (not unit or _UNIT.fullmatch(unit)):
        return Items(f"{mark}q", 8, typestr=f"{mark}{type_}{unit}")
    if type_ not in _FORMATS or unit:
        return None
    size = int(type_[1:])
    format_ = _FORMATS[type_]
    if mark == "<" or size == 1:
        return Items(format_, size)
    return Items(f">{_STANDARD.get(format_, format_)}", size)


def planned(
    nbytes: SupportsIndex | None, shape: Shape | None, dtype: Any, order: str
) -> Description:
    """What `create` makes room for, said in exactly one way: in bytes, or as items in a shape."""
    given = [what is not None for what in (nbytes, shape, dtype)]
    if order not in ("C", "F"):
        raise InvalidRequest(f"order is neither C nor F: order={order!r}")
    if nbytes is not None and given == [True, False, False]:
        size = index(nbytes)
        if not 0 <= size <= SEQ_MAX:
            raise InvalidRequest(f"size out of bounds: nbytes={size} min=0 max={SEQ_MAX}")
        return Description.of_bytes(size)
    if shape is None or given != [False, True, True]:
        raise InvalidRequest(
            f"either nbytes, or shape and dtype: nbytes={nbytes} shape={shape} dtype={dtype!r}"
        )
    items = items_of(dtype)
    axes = _axes(shape) + items.axes
    return described(items.format, items.size, axes, fortran=order == "F", typestr=items.typestr)


def _axes(shape: Any) -> tuple[int, ...]:
    try:
        return (index(shape),)
    except TypeError:
        return tuple(map(index, shape))


def items_of(dtype: Any) -> Items:
    """Of anything that `numpy.dtype` accepts."""
    if isinstance(dtype, str) and (found := by_name(dtype)):
        return found
    try:
        import numpy as np  # noqa: PLC0415 - only here is it needed
    except ImportError:
        raise InvalidRequest(
            f"a dtype that is not known without NumPy; install it or use one of "
            f"{', '.join(_NAMES)}: dtype={dtype!r}"
        ) from None
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"no such dtype: dtype={dtype!r} numpy={error}") from None
    base, axes = found.base, found.shape
    view = view_of(np.empty(0, base))
    return Items(format_of(base, view.format), base.itemsize, axes, typestr_of(base))
