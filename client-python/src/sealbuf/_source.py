"""What is put into the store: the bytes of any object with the buffer protocol, and what they are.

Memory in one run, in C or Fortran order, is taken as it is; everything else is copied to C order
first. Tables (`_arrow`) and objects (`_objects`) have no bytes yet: they write themselves where
they will be read, and again if that was lost with its daemon.
"""

import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from sealbuf import _arrow as arrow
from sealbuf import _memory as memory
from sealbuf._buffer import Buffer
from sealbuf._description import Axes, Description, check_metadata, described, f_strides
from sealbuf._numpy import format_of, is_array, typestr_of, view_of
from sealbuf._views import View, flat_bytes


class Table(Protocol):
    """A table or record batch of pyarrow."""

    def to_pydict(self) -> dict[str, list[Any]]: ...


class Array(Protocol):
    """Arrays have it on all versions, while their stubs know the buffer protocol from 3.12 on."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


if not TYPE_CHECKING:
    Data = Any
elif sys.version_info >= (3, 12):
    from collections.abc import Buffer as BytesLike

    Data: TypeAlias = BytesLike | Array | Table
else:
    from typing_extensions import Buffer as BytesLike

    Data: TypeAlias = BytesLike | Array | Table


class Content(Protocol):
    """What can be published, any number of times."""

    @property
    def nbytes(self) -> int: ...
    @property
    def description(self) -> Description: ...
    @property
    def metadata(self) -> bytes: ...
    @property
    def flat(self) -> View:
        """Its bytes, in private memory."""

    def write(self, room: View) -> None:
        """Its bytes, into zeroed memory of that length."""


class Source(NamedTuple):
    """Bytes that are there already, and what they are."""

    flat: View
    description: Description
    metadata: bytes = b""
    owner: object = None
    """What must be held for as long as `flat` is."""

    @property
    def nbytes(self) -> int:
        return self.flat.nbytes

    def write(self, room: View) -> None:
        memory.copy(self.flat, room)

    @classmethod
    def of(cls, data: Data, metadata: Data | None = None) -> Content:
        attached = metadata_of(metadata)
        if type(data) is bytes:
            return cls(memoryview(data), Description.of_bytes(len(data)), attached)
        if isinstance(data, Buffer):
            return cls(data._view(), data._description, attached, data)
        if arrow.is_table(data):
            return arrow.Stream.of(data, attached)
        given: Any = data
        of_numpy = is_array(given)
        view = view_of(given) if of_numpy else memoryview(given)
        if view.format == "B" and view.ndim == 1 and view.c_contiguous:
            return cls(view, Description.of_bytes(view.nbytes), attached)
        format_, typestr = view.format, ""
        if of_numpy:
            format_, typestr = format_of(given.dtype, format_), typestr_of(given.dtype)
        shape: Axes = view.shape or ()
        found = described(
            format_, view.itemsize, shape, fortran=_fortran(view, shape), typestr=typestr
        )
        if not view.c_contiguous and not view.f_contiguous:
            return cls(memoryview(view.tobytes()), found, attached)
        return cls(flat_bytes(view), found, attached, view)


def metadata_of(metadata: Data | None) -> bytes:
    if metadata is None:
        return b""
    if isinstance(metadata, Buffer):
        return check_metadata(metadata.to_bytes())
    given: Any = metadata
    return check_metadata(memoryview(given).tobytes())


def _fortran(view: View, shape: Axes) -> bool:
    """Whether it is to stay in Fortran order. Some memory is in both orders, and its strides say
    which one was meant."""
    if not view.f_contiguous:
        return False
    return not view.c_contiguous or view.strides == f_strides(shape, view.itemsize)
