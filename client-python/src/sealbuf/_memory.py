"""Mappings of segments: the only native calls of the library, through ctypes.

`mmap.mmap(fd, ...)` would keep a duplicate of the descriptor, one for each mapping, and could not
exchange what lies under views that live. So a Mapping is an *anonymous* mmap object: it owns a
range of addresses and no descriptor, and mmap(2) with MAP_FIXED lays the segment over that range.
The same call lays a read-only description over a writable mapping when a buffer is sealed: views
that were taken before go on reading, in place.

A memoryview keeps its mmap object alive, and the object unmaps its range when it goes. So a view
owns its memory: it outlives the Buffer, the Store and the daemon, and nothing has to be counted.

Segments of 2 MiB and more consist of 2 MiB pages if the daemon could make them so. Only a mapping
at an address that is a multiple of 2 MiB uses them, hence the range is that much longer than the
segment and the segment begins inside it.
"""

import sys

if sys.platform != "linux" or sys.byteorder != "little":
    raise ImportError(
        f"sealbuf needs Linux on a little-endian machine: platform={sys.platform} "
        f"byteorder={sys.byteorder}"
    )

import errno
import fcntl
import mmap
import os
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from sealbuf._errors import ProtocolError, TooManyMappings

if TYPE_CHECKING:
    from sealbuf._origin import Origin

try:
    import ctypes
except ImportError as error:
    raise ImportError(
        "sealbuf needs ctypes, which this interpreter was built without or cannot load "
        f"in a subinterpreter: {error}"
    ) from error

Axes: TypeAlias = tuple[int, ...]

HUGE_PAGE = 2 << 20
MAPPINGS_MAX = 16384
"""Dedicated segments a process maps at once. Each takes up to three of the kernel's 65 530
mappings (vm.max_map_count); a process that has used those up can start no thread any more."""

SEAL_SEAL, SEAL_SHRINK, SEAL_GROW, SEAL_WRITE, SEAL_FUTURE_WRITE = 0x1, 0x2, 0x4, 0x8, 0x10
SHARED_SEALS = SEAL_FUTURE_WRITE | SEAL_SHRINK | SEAL_GROW | SEAL_SEAL
"""What slabs and catalog segments carry from birth."""
LENT_SEALS = SEAL_SHRINK | SEAL_GROW
SEALED = SEAL_WRITE | SEAL_SHRINK | SEAL_GROW | SEAL_SEAL
"""What a dedicated segment carries once it is published."""

_READ, _WRITE = mmap.PROT_READ, mmap.PROT_WRITE
_NOTHING = 0
_MAP_FIXED = 0x10
_MAP_NORESERVE = 0x4000
_RESERVED = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE

_libc = ctypes.CDLL(None, use_errno=True)
_mmap = _libc.mmap
_mmap.restype = ctypes.c_void_p
_mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int64,
]
_mprotect = _libc.mprotect
_mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_memcmp = _libc.memcmp
_memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
_memmem = _libc.memmem
_memmem.restype = ctypes.c_void_p
_memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
_MAP_FAILED = ctypes.c_void_p(-1).value


class Mapping(mmap.mmap):
    """A segment in this process's memory. Ends with the last view of it."""

    address: int
    """Of the segment's first byte."""
    nbytes: int
    """Length of the segment."""
    origin: "Origin"
    """Of a slab: the session that mapped it."""
    _start: int

    @classmethod
    def shared(cls, fd: int, nbytes: int) -> "Mapping":
        """A slab or catalog segment, for reading. Byte i of the object is byte i of the segment."""
        check_segment(fd, nbytes, SHARED_SEALS)
        return cls._laid(fd, nbytes, _READ, aligned=False)

    @classmethod
    def sealed(cls, fd: int, nbytes: int) -> "Mapping":
        """A published dedicated segment, for reading."""
        check_segment(fd, nbytes, SEALED)
        return cls._dedicated(fd, nbytes, _READ)

    @classmethod
    def to_read(cls, fd: int, nbytes: int) -> "Mapping":
        """A dedicated segment that this process fills by other means than this mapping."""
        check_segment(fd, nbytes, LENT_SEALS)
        return cls._dedicated(fd, nbytes, _READ)

    @classmethod
    def lent(cls, fd: int, nbytes: int) -> "Mapping":
        """A dedicated segment that this process may fill."""
        check_segment(fd, nbytes, LENT_SEALS)
        return cls._dedicated(fd, nbytes, _READ | _WRITE)

    @classmethod
    def _dedicated(cls, fd: int, nbytes: int, protection: int) -> "Mapping":
        if len(_dedicated) >= MAPPINGS_MAX:
            raise TooManyMappings(
                f"this process maps as many buffers as it safely can: "
                f"mappings={len(_dedicated)} max={MAPPINGS_MAX}"
            )
        mapping = cls._laid(fd, nbytes, protection, aligned=nbytes >= HUGE_PAGE)
        _dedicated.add(mapping)
        return mapping

    @classmethod
    def _laid(cls, fd: int, nbytes: int, protection: int, *, aligned: bool) -> "Mapping":
        span = nbytes + HUGE_PAGE if aligned else nbytes
        try:
            mapping = cls(-1, span, flags=_RESERVED, prot=protection)
        except OSError as error:
            raise _no_room(error, span) from None
        base = address_of(mapping)
        mapping._start = -base % HUGE_PAGE if aligned else 0
        mapping.address = base + mapping._start
        mapping.nbytes = nbytes
        mapping._lay(fd, protection)
        return mapping

    def view(self) -> memoryview:
        """The segment's bytes; writable only where the mapping was made for writing."""
        return memoryview(self)[self._start : self._start + self.nbytes]

    def close(self) -> NoReturn:
        """Refused: the range is given back with the last reference, and is laid over until then."""
        raise BufferError("a segment is unmapped with its last view, not by hand: drop the views")

    def resize(self, newsize: int) -> NoReturn:
        """Refused, for the same reason: it would move the range."""
        raise BufferError(f"a segment has one size: bytes={self.nbytes} asked={newsize}")

    def seal_read_only(self, fd: int) -> None:
        """Lays the read-only description over a writable mapping, under the views that live."""
        self._lay(fd, _READ)

    def abandon(self) -> None:
        """Lets go of the segment: private memory lies in its place, views show that instead."""
        try:
            _map_fixed(self.address, self.nbytes, _READ | _WRITE, _RESERVED, -1)
        except OSError:
            _mprotect(self.address, self.nbytes, _NOTHING)

    def _lay(self, fd: int, protection: int) -> None:
        try:
            try:
                _map_fixed(self.address, self.nbytes, protection, mmap.MAP_SHARED, fd)
            except PermissionError:
                if protection != _READ:
                    raise
                # Kernels before 6.7 refuse any shared mapping of some sealed segments. What is
                # sealed does not change, so a private mapping shows the same pages.
                _map_fixed(self.address, self.nbytes, _READ, mmap.MAP_PRIVATE, fd)
        except OSError as error:
            # The kernel may have taken away what lay there: the range must not stay empty.
            self.abandon()
            raise _no_room(error, self.nbytes) from None


_dedicated: "weakref.WeakSet[Mapping]" = weakref.WeakSet()


def check_segment(fd: int, nbytes: int, required: int) -> None:
    """Compares a received descriptor with what the daemon said and what its kind must carry."""
    size = os.fstat(fd).st_size
    if size != nbytes or nbytes <= 0:
        raise ProtocolError(f"segment of another size: bytes={size} stated={nbytes}")
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        raise ProtocolError(f"not a sealable segment: {error.strerror}") from None
    if seals & required != required:
        raise ProtocolError(f"segment without its seals: seals=0x{seals:x} required=0x{required:x}")


def _map_fixed(address: int, nbytes: int, protection: int, flags: int, fd: int) -> None:
    if _mmap(address, nbytes, protection, flags | _MAP_FIXED, fd, 0) == _MAP_FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _no_room(error: OSError, nbytes: int) -> Exception:
    if error.errno == errno.ENOMEM:
        return TooManyMappings(
            f"the kernel refuses another mapping: bytes={nbytes} error={error.strerror}"
        )
    return error


# The C structure by which an object shows its memory; a part of Python's stable ABI since 3.11.
class _PyBuffer(ctypes.Structure):
    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


_PYBUF_ANY_CONTIGUOUS = 0x98
# Not `ctypes.pythonapi`: what others declare of its functions would hold for this module too.
_python = ctypes.PyDLL(None)
_get_buffer = _python.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
_release_buffer = _python.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_PyBuffer)]
_release_buffer.restype = None
_view_of = _python.PyMemoryView_FromBuffer
_view_of.argtypes = [ctypes.POINTER(_PyBuffer)]
_view_of.restype = ctypes.py_object


def address_of(exporter: object) -> int:
    """Where the first byte of an object in C or Fortran order lies."""
    shown = _PyBuffer()
    _get_buffer(exporter, shown, _PYBUF_ANY_CONTIGUOUS)
    try:
        return shown.buf or 0
    finally:
        _release_buffer(shown)


def unowned_view(
    memory: memoryview, format_: bytes, itemsize: int, shape: Axes, strides: Axes
) -> memoryview:
    """A view of the same memory with any format, shape and strides, which must fit it.

    It keeps nothing alive: whoever calls this keeps `memory` and `format_` for as long as there is
    a view of it.
    """
    axes = ctypes.c_ssize_t * len(shape)
    shapes, steps = axes(*shape), axes(*strides)
    shown = _PyBuffer(
        buf=address_of(memory),
        len=memory.nbytes,
        itemsize=itemsize,
        readonly=memory.readonly,
        ndim=len(shape),
        format=format_,
        shape=ctypes.addressof(shapes),
        strides=ctypes.addressof(steps),
    )
    view: memoryview = _view_of(shown)  # which has copied shape and strides
    return view


def copy(source: memoryview, target: memoryview) -> None:
    """Copies bytes that lie in one run; other threads run meanwhile. No bytes have no address."""
    if source.nbytes:
        ctypes.memmove(address_of(target), address_of(source), source.nbytes)


def write(fd: int, source: memoryview) -> None:
    """Writes bytes to the beginning of a file."""
    written = 0
    while written < source.nbytes:
        written += os.pwrite(fd, source[written:], written)


def equal(left: memoryview, right: memoryview) -> bool:
    """Whether two C-contiguous views have the same bytes; memoryview's == goes item by item."""
    if left.nbytes != right.nbytes:
        return False
    return bool(_memcmp(address_of(left), address_of(right), left.nbytes) == 0)


def order(left: memoryview, right: memoryview) -> int:
    """Below, at or above 0, as the bytes of the one come before, are, or come after the other's."""
    common = min(left.nbytes, right.nbytes)
    return _memcmp(address_of(left), address_of(right), common) or left.nbytes - right.nbytes


def find(memory: memoryview, part: memoryview) -> int:
    """Where these bytes are first in a C-contiguous view; -1 where they are not."""
    return next(finds(memory, part), -1) if part.nbytes else 0


def finds(memory: memoryview, part: memoryview) -> Iterator[int]:
    """Where they are, each time behind the end of the time before."""
    start, sought, length = address_of(memory), address_of(part), part.nbytes
    at, end = start, start + memory.nbytes
    while found := _memmem(at, end - at, sought, length):
        yield found - start
        at = found + length
