"""Bytes of memory as items of any format, in any shape and order.

`memoryview.cast` knows native single characters in C order, and nothing else. Everything else comes
from `unowned_view`, whose views keep nothing alive: neither the memory nor the text of their
format. From Python 3.12 on that does no harm: such a view is only what `Shown.__buffer__` answers,
and Python has the consumer's view keep the Shown, which keeps both. On 3.11 no Python class can
answer, so these views stay inside the library there, while a Shown is held, and users get flat
bytes instead.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, TypeVar

from sealbuf import _memory as memory
from sealbuf._description import Description
from sealbuf._errors import ProtocolError

View: TypeAlias = memoryview
T = TypeVar("T", bound=type)

FORMAT = 0x4
"""PyBUF_FORMAT; `inspect.BufferFlags` has it from 3.12 only."""

_CASTABLE = frozenset("cbB?hHiIlLqQnNfd")
"""What memoryview.cast accepts; an `@` may stand in front."""


def buffer_class(kind: T) -> T:
    """Has `isinstance(x, Buffer)` hold before Python 3.12 too, where `typing_extensions` has that
    class and only a registration counts."""
    if sys.version_info < (3, 12):
        with suppress(ImportError):
            from typing_extensions import Buffer  # noqa: PLC0415 - not a dependency

            Buffer.register(kind)
    return kind


class Shown:
    """The bytes of `flat` as its description says."""

    __slots__ = ("__weakref__", "_castable", "_format", "description", "flat")

    def __init__(self, flat: View, description: Description) -> None:
        if flat.nbytes != description.nbytes:  # a view of more would read outside it
            raise ProtocolError(
                f"description of other bytes: nbytes={flat.nbytes} described={description.nbytes}"
            )
        self.flat = flat
        self.description = description
        self._format = description.format.encode()
        self._castable = _castable(description)

    def view(self) -> View:
        """A new view for users. It keeps the memory alive."""
        if self._castable or sys.version_info >= (3, 12):
            return self.items()
        return memoryview(self.flat)

    def tobytes(self) -> bytes:
        """The items in C order."""
        return self.flat.tobytes() if self.description.c_order else self.items().tobytes()

    def __len__(self) -> int:
        return len(self.items())

    def __getitem__(self, at: Any) -> Any:
        found = self.items()[at]
        if isinstance(found, memoryview) and not self._castable and sys.version_info < (3, 12):
            raise NotImplementedError(
                f"no slices of this format before Python 3.12; use numpy.asarray(buffer): "
                f"format={self.description.format!r}"
            )
        return found

    def __iter__(self) -> Iterator[Any]:
        return self._while_held(iter(self.items()))

    def __contains__(self, item: object) -> bool:
        return item in self.items()

    def __eq__(self, other: object) -> bool:
        return self.items() == other

    __hash__ = None  # type: ignore[assignment]

    if sys.version_info >= (3, 12):

        def __buffer__(self, _flags: int) -> View:
            return self._unowned()

    def items(self) -> View:
        """The same on all versions of Python. On 3.11 it ends with this object, and must not get
        out unless it is cast."""
        if self._castable:
            return self._cast()
        if sys.version_info >= (3, 12):
            return memoryview(self)
        return self._unowned()

    def _cast(self) -> View:
        cast: Any = self.flat.cast  # typed as if formats were known when it is called
        format_, _, shape, *_ = self.description
        view: View = cast(format_) if len(shape) == 1 else cast(format_, shape)
        return view

    def _unowned(self) -> View:
        _, itemsize, shape, strides, _ = self.description
        return memory.unowned_view(self.flat, self._format, itemsize, shape, strides)

    def _while_held(self, items: Iterator[Any]) -> Iterator[Any]:
        yield from items


class Writes(Protocol):
    """Something that writes so many bytes."""

    @property
    def nbytes(self) -> int: ...
    def write(self, room: View) -> None: ...


def written(content: Writes) -> View:
    """Its bytes, in private memory."""
    room = memoryview(bytearray(content.nbytes))
    content.write(room)
    return room


def flat_bytes(view: View) -> View:
    """The bytes of a view in C or Fortran order, as they lie; good while `view` is held."""
    if view.nbytes == 0:
        return memoryview(b"")
    if view.c_contiguous and view.format.removeprefix("@") in _CASTABLE:
        return view.cast("B")
    return memory.unowned_view(view, _BYTES, 1, (view.nbytes,), (1,))


_BYTES = b"B"


def _castable(description: Description) -> bool:
    format_, _, shape, *_ = description
    if format_.removeprefix("@") not in _CASTABLE:
        return False
    return len(shape) == 1 or (0 not in shape and description.c_order)
