"""What NumPy's arrays are, where their memoryview does not say it, or says it wrong.

NumPy is not imported here: an object can be one of its arrays only if somebody else has.

Formats of structures are NumPy's own where they mean the type that they come from. They do not
where NumPy leaves out padding behind a last field, or where the machine's alignment, which it
forgets to switch off, would add some: it cannot read those itself. Then the format is made here,
with every gap said and no alignment.
"""

import sys
from typing import Any
from unicodedata import category

from sealbuf._errors import InvalidRequest
from sealbuf._format import parse

NO_ALIGNMENT = "^"
_TEXTS = {"S": ("s", 1), "U": ("w", 4), "V": ("x", 1)}
"""Types of a length: their code, and bytes of a character."""
_STANDARD = {"l": "q", "L": "Q"}
"""What 8 bytes are called where the byte order is said."""


def is_array(data: object) -> bool:
    """Whether it is an array of NumPy, or one of its scalars. An array with a mask is refused."""
    if is_a(data, "numpy.ma", "MaskedArray"):
        raise InvalidRequest(
            f"a masked array would lose its mask; put its data and its mask, or filled(): "
            f"type={type(data).__name__}"
        )
    return is_a(data, "numpy", "ndarray") or is_a(data, "numpy", "generic")


def view_of(array: Any) -> memoryview:
    """A view of an array or scalar; of datetime64 and timedelta64, of their integers."""
    if times(array.dtype):
        return memoryview(array.view(f"{array.dtype.str[0]}i8"))
    try:
        return memoryview(array)
    except ValueError as error:
        if isinstance(error, BufferError):
            raise
    raise InvalidRequest(
        f"NumPy has no buffer format for this dtype; view it as one that has, or convert it: "
        f"dtype={array.dtype}"
    )


def times(dtype: Any) -> bool:
    """Whether its items are dates or durations, which no format can say."""
    return dtype.kind in "mM"


def typestr_of(dtype: Any) -> str:
    return str(dtype.str) if times(dtype) else ""


def format_of(dtype: Any, told: str) -> str:
    """The format of an item; `told` is what NumPy says."""
    if times(dtype):
        return f"{dtype.str[0]}q"
    if not dtype.names:
        return told
    made = NO_ALIGNMENT + _structure(dtype)
    return told if parse(told).dtype == parse(made).dtype else made


def _structure(dtype: Any) -> str:
    parts, at = [], 0
    for name in dtype.names:
        _check_name(name)
        field, offset = dtype.fields[name][:2]
        parts.append(f"{_gap(offset - at)}{_item(field)}:{name}:")
        at = offset + field.itemsize
    return f"T{{{''.join(parts)}{_gap(dtype.itemsize - at)}}}"


def _item(dtype: Any) -> str:
    base = dtype.base
    axes = f"({','.join(map(str, dtype.shape))})" if dtype.shape else ""
    if base.names:
        return axes + _structure(base)
    swapped = base.byteorder == ">"
    return f"{axes}{'>' if swapped else NO_ALIGNMENT}{_code(base, swapped=swapped)}"


def _code(dtype: Any, *, swapped: bool) -> str:
    char, size = str(dtype.char), dtype.itemsize
    if char in _TEXTS:
        code, each = _TEXTS[char]
        return f"{size // each}{code}"
    if dtype.kind == "c":
        return f"Z{char.lower()}"
    return _STANDARD.get(char, char) if swapped else char


def _check_name(name: str) -> None:
    if any(char == ":" or category(char) in ("Cc", "Cs") for char in name):
        raise InvalidRequest(f"no format can say this name of a field: field={name!r}")


def _gap(nbytes: int) -> str:
    return f"{nbytes}x" if nbytes else ""


def is_a(data: object, module: str, name: str) -> bool:
    """Whether it is of a class of a module that somebody may have imported."""
    return isinstance(data, getattr(sys.modules.get(module), name, ()))
