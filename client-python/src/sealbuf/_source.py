"""What is put into the store: the bytes of any object with the buffer protocol, and what they are.

Memory in one run, in C or Fortran order, is taken as it is; everything else is copied to C order
first. NumPy is not imported here: an object can be one of its arrays only if somebody else has.
"""

import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sealbuf._buffer import Buffer
from sealbuf._description import Axes, Description, check_metadata, described, f_strides
from sealbuf._errors import InvalidRequest
from sealbuf._views import View, flat_bytes

if not TYPE_CHECKING:
    Data = Any
elif sys.version_info >= (3, 12):
    from collections.abc import Buffer as BytesLike

    Data: TypeAlias = BytesLike | Buffer
else:
    from typing_extensions import Buffer as BytesLike

    Data: TypeAlias = BytesLike | Buffer


class Source(NamedTuple):
    """Bytes to be published, and what they are."""

    flat: View
    description: Description
    metadata: bytes = b""
    owner: object = None
    """What must be held for as long as `flat` is."""

    @classmethod
    def of(cls, data: Data, metadata: Data | None = None) -> "Source":
        attached = metadata_of(metadata)
        if isinstance(data, Buffer):
            return cls(data._view(), data._description, attached, data)
        view, typestr = _view(data)
        shape: Axes = view.shape or ()
        if view.format == "B" and view.ndim == 1 and view.c_contiguous:
            return cls(view, Description.of_bytes(view.nbytes), attached)
        found = described(
            f"{typestr[0]}q" if typestr else view.format, view.itemsize, shape,
            fortran=_fortran(view, shape), typestr=typestr,
        )  # fmt: skip
        if not view.c_contiguous and not view.f_contiguous:
            return cls(memoryview(view.tobytes()), found, attached)
        return cls(flat_bytes(view), found, attached, view)


def metadata_of(metadata: Data | None) -> bytes:
    if metadata is None:
        return b""
    if isinstance(metadata, Buffer):
        return check_metadata(metadata.to_bytes())
    return check_metadata(memoryview(metadata).tobytes())


def _fortran(view: View, shape: Axes) -> bool:
    """Whether it is to stay in Fortran order. Some memory is in both orders, and its strides say
    which one was meant."""
    if not view.f_contiguous:
        return False
    return not view.c_contiguous or view.strides == f_strides(shape, view.itemsize)


def _view(data: Any) -> tuple[View, str]:
    """A view of an object, and the typestr of items that no format can say."""
    if _is_a(data, "numpy.ma", "MaskedArray"):
        raise InvalidRequest(
            f"a masked array would lose its mask; put its data and its mask, or filled(): "
            f"type={type(data).__name__}"
        )
    of_numpy = _is_a(data, "numpy", "ndarray") or _is_a(data, "numpy", "generic")
    if of_numpy and data.dtype.kind in "mM":
        typestr: str = data.dtype.str
        return memoryview(data.view(f"{typestr[0]}i8")), typestr
    try:
        return memoryview(data), ""
    except ValueError:
        if not of_numpy:
            raise
    raise InvalidRequest(
        f"NumPy has no buffer format for this dtype; view it as one that has, or convert it: "
        f"dtype={data.dtype}"
    )


def _is_a(data: object, module: str, name: str) -> bool:
    """Whether it is of a class of a module that somebody may have imported."""
    return isinstance(data, getattr(sys.modules.get(module), name, ()))
