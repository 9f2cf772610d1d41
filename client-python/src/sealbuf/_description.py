"""What the bytes of a buffer are: format, shape, strides, and a typestr where no format can say it.

The rules are those of *Descriptions* in `protocol/PROTOCOL.md`. A description is always of memory
in one run, in C or in Fortran order. The daemon checks it before it publishes; here it is checked
again when it comes out of shared memory: a view whose strides do not fit would read outside it.
"""

from math import prod
from typing import Any, NamedTuple, TypeAlias

from sealbuf._errors import InvalidRequest, ProtocolError
from sealbuf._format import parse
from sealbuf._layout import Record
from sealbuf._limits import FORMAT_MAX, METADATA_MAX, NDIM_MAX, SEQ_MAX, TYPESTR_MAX

Axes: TypeAlias = tuple[int, ...]

_BYTE_FORMATS = frozenset({"B", "b", "c", "@B", "@b", "@c"})


class Description(NamedTuple):
    """See above."""

    format: str
    itemsize: int
    shape: Axes
    strides: Axes
    typestr: str = ""

    @classmethod
    def of_bytes(cls, nbytes: int) -> "Description":
        return cls("B", 1, (nbytes,), (1,))

    @classmethod
    def of_record(cls, record: Record) -> "Description":
        """As it comes out of shared memory; ProtocolError where it does not fit its buffer."""
        nbytes, strides = record.place[2], record.strides
        itemsize = min(strides[0], strides[-1]) if strides else nbytes
        found = cls(record.format, itemsize, record.shape, strides, record.typestr)
        orders = (c_strides(found.shape, itemsize), f_strides(found.shape, itemsize))
        if min(found.shape, default=0) < 0 or found.nbytes != nbytes or strides not in orders:
            raise ProtocolError(
                f"description of another buffer: format={found.format!r} shape={found.shape} "
                f"strides={strides} nbytes={nbytes}"
            )
        return found

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.itemsize

    @property
    def bytes_like(self) -> bool:
        """Whether a buffer behaves as `bytes`."""
        return len(self.shape) == 1 and self.format in _BYTE_FORMATS

    @property
    def c_order(self) -> bool:
        return self.strides == c_strides(self.shape, self.itemsize)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a request. Bytes need none."""
        if self.format == "B" and len(self.shape) == 1:
            return {}
        typestr = {"typestr": self.typestr} if self.typestr else {}
        return {"format": self.format, **typestr, "shape": self.shape, "strides": self.strides}

    def first(self, nbytes: int) -> "Description":
        """Of the first bytes only: fewer items along the first axis."""
        if nbytes == self.nbytes:
            return self
        divisible = self.shape and self.c_order
        row = self.strides[0] if divisible else self.nbytes
        if not divisible or nbytes % row:
            raise InvalidRequest(
                f"a shorter buffer has fewer items along its first axis, in C order: "
                f"nbytes={nbytes} multiple_of={row}"
            )
        return self._replace(shape=(nbytes // row, *self.shape[1:]))

    def interface(self, address: int, *, readonly: bool) -> dict[str, Any]:
        """NumPy's array interface. Where a typestr cannot say it, `descr` has what `numpy.dtype`
        accepts: unlike a list of fields, a dict has a place for each field."""
        dtype = self.typestr or parse(self.format).dtype
        told = {
            "version": 3,
            "shape": self.shape,
            "typestr": dtype if isinstance(dtype, str) else f"|V{self.itemsize}",
            "data": (address, readonly),
            "strides": None if self.c_order else self.strides,
        }
        return told if isinstance(dtype, str) else told | {"descr": dtype}


def described(
    format_: str, itemsize: int, shape: Axes, *, fortran: bool = False, typestr: str = ""
) -> Description:
    """A description that this process makes: InvalidRequest unless the daemon may accept it."""
    _check_length("format", len(format_.encode()), FORMAT_MAX)
    _check_length("typestr", len(typestr), TYPESTR_MAX)
    item = parse(format_)
    if itemsize not in (item.size, item.unpadded, item.packed):
        raise InvalidRequest(
            f"format says another size than its items have; put its bytes: "
            f"format={format_!r} says={item.size} itemsize={itemsize}"
        )
    if itemsize == 0:
        raise InvalidRequest(f"items have no bytes: format={format_!r} shape={shape}")
    if len(shape) > NDIM_MAX:
        raise InvalidRequest(f"too many axes: ndim={len(shape)} max={NDIM_MAX}")
    if min(shape, default=0) < 0:
        raise InvalidRequest(f"an axis is below 0: shape={shape}")
    strides = (f_strides if fortran else c_strides)(shape, itemsize)
    found = Description(format_, itemsize, shape, strides, typestr)
    if prod(axis or 1 for axis in shape) * itemsize > SEQ_MAX:
        raise InvalidRequest(f"too many bytes: shape={shape} itemsize={itemsize} max={SEQ_MAX}")
    return found


def check_metadata(metadata: bytes) -> bytes:
    _check_length("metadata", len(metadata), METADATA_MAX)
    return metadata


def c_strides(shape: Axes, itemsize: int) -> Axes:
    """The last axis is the nearest. An axis of 0 items counts as one of 1, as in NumPy."""
    return f_strides(shape[::-1], itemsize)[::-1]


def f_strides(shape: Axes, itemsize: int) -> Axes:
    """The first axis is the nearest."""
    strides, step = [], itemsize
    for axis in shape:
        strides.append(step)
        step *= axis or 1
    return tuple(strides)


def _check_length(what: str, length: int, longest: int) -> None:
    if length > longest:
        raise InvalidRequest(f"{what} too long: bytes={length} max={longest}")
