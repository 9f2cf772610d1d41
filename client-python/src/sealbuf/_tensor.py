"""DLPack: the items of a Buffer as a tensor for whoever speaks that, with the flag that says that
it is read-only. Only DLPack 1.0 has that flag, so who cannot take 1.0 is refused.

A capsule holds the address of a struct, which whoever takes it gives back by calling its deleter:
from any thread, with the interpreter's lock or without, while an exception is on its way (NumPy
does so), and perhaps when there is no interpreter any more. No Python code can be called then. So
the deleter is a function of libc that does nothing but put zeros where it is told to: sigemptyset,
over the version at the beginning of the struct. What is zero was given back; whoever makes the next
tensor looks for that, and the thread of `_idle` twice a second.

A capsule that nobody takes is found in the same way. It has no destructor, which would be Python
code too. And nothing of this may end with the modules of the library, since tensors may be looked
at later: the structs lie in memory of malloc, and the table of them is never taken apart.
"""

import ctypes
import os
from collections.abc import Callable
from sys import getrefcount
from threading import Lock
from typing import Any

from sealbuf import _memory as memory
from sealbuf._description import Description
from sealbuf._format import parse
from sealbuf._views import View

CPU = (1, 0)
VERSION = (1, 0)
READ_ONLY, IS_COPIED = 1, 2
_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
_LARGEST = {"f": 8, "c": 16}
_ZEROED_MAX = 128
"""Bytes that sigemptyset may put zeros into: a whole sigset_t."""
_LEAST = 8
"""So many are out before somebody looks."""


class _Tensor(ctypes.Structure):
    """DLManagedTensorVersioned"""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None)
_malloc, _free = _libc.malloc, _libc.free
_malloc.argtypes, _malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
_free.argtypes, _free.restype = [ctypes.c_void_p], None
_strdup = _libc.strdup
_strdup.argtypes, _strdup.restype = [ctypes.c_char_p], ctypes.c_void_p
_DELETER = ctypes.cast(_libc.sigemptyset, ctypes.c_void_p).value

_python = ctypes.PyDLL(None)
_new_capsule = _python.PyCapsule_New
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_new_capsule.restype = ctypes.py_object
_is_valid = _python.PyCapsule_IsValid
_is_valid.argtypes = [ctypes.py_object, ctypes.c_void_p]
_keep = _python.Py_IncRef
_keep.argtypes, _keep.restype = [ctypes.py_object], None

_NAME: int = _strdup(b"dltensor_versioned")
"""Where the text lies for ever: capsules point to it."""
_out: dict[int, tuple[object, Any]] = {}
"""By the address of the struct: whom it keeps, and its capsule."""
_keep(_out)
_sweeping = Lock()
_enough = _LEAST
"""When so many are out, somebody should look."""
wake: Callable[[], None] = lambda: None  # noqa: E731 - as `_idle` sets it
"""Has a thread call `sweep` while there is something out."""


def check_consumer(stream: Any, max_version: Any, dl_device: Any) -> None:
    """BufferError unless whoever asks can take what there is."""
    if max_version is None or max_version[0] < VERSION[0]:
        raise BufferError(
            f"DLPack before 1.0 cannot say that memory is read-only: max_version={max_version}"
        )
    if dl_device is not None and tuple(dl_device) != CPU:
        raise BufferError(f"the memory is the CPU's: dl_device={dl_device} available={CPU}")
    if stream is not None:
        raise BufferError(f"the CPU has no streams: stream={stream}")


def capsule(owner: object, flat: View, description: Description, *, copy: bool) -> Any:
    """A new capsule of the items in `flat`, which `owner` keeps; or of a private copy of them."""
    type_ = _type_of(description)
    if len(_out) >= _enough:
        sweep()
    source: Any = flat
    if copy:
        owner = source = bytearray(flat)
    tensor = _struct(memory.address_of(source), description, type_)
    tensor.flags = IS_COPIED if copy else READ_ONLY
    where = ctypes.addressof(tensor)
    made = _new_capsule(where, _NAME, None)
    _out[where] = owner, made
    wake()
    return made


def out() -> int:
    """How many tensors somebody has, as far as is known."""
    return len(_out)


def sweep() -> None:
    """Lets go of what was given back, and of what nobody took and nobody can take any more."""
    global _enough  # noqa: PLW0603
    if not _sweeping.acquire(blocking=False):
        return
    try:
        for where, references in _counted(_out):
            unused = references <= _ALONE and _is_valid(_out[where][1], _NAME)
            if unused or _given_back(where):
                del _out[where]
                _free(where)
        _enough = max(_LEAST, 2 * len(_out))
    finally:
        _sweeping.release()


def _counted(table: dict[int, tuple[object, Any]]) -> list[tuple[int, int]]:
    """How many references to each capsule there are, while this counts them."""
    return [(where, getrefcount(made)) for where, (_, made) in list(table.items())]


_ALONE = _counted({0: (None, object())})[0][1]
"""So many while only the table has it: how many the count itself takes is the interpreter's."""


def _given_back(where: int) -> bool:
    return bool(_Tensor.from_address(where).major == 0)


def _after_fork_in_child() -> None:
    global _sweeping  # noqa: PLW0603
    _sweeping = Lock()


os.register_at_fork(after_in_child=_after_fork_in_child)


def _type_of(description: Description) -> tuple[int, int]:
    """Code and bits."""
    told = description.typestr or parse(description.format).dtype
    if isinstance(told, str) and told[0] != ">" and told[1] in _CODES:
        kind, size = told[1], int(told[2:])
        if size <= _LARGEST.get(kind, size):
            return _CODES[kind], 8 * size
    raise BufferError(
        f"no type of DLPack for these items: format={description.format!r} "
        f"typestr={description.typestr!r}"
    )


def _struct(address: int, description: Description, type_: tuple[int, int]) -> _Tensor:
    """In memory of malloc, with its axes behind it."""
    _, itemsize, shape, strides, _ = description
    ndim, size = len(shape), max(ctypes.sizeof(_Tensor), _ZEROED_MAX)
    where = _malloc(size + 2 * ndim * 8)
    if where is None:
        raise MemoryError
    axes = (ctypes.c_int64 * (2 * ndim)).from_address(where + size)
    axes[:] = [*shape, *(stride // itemsize for stride in strides)]
    tensor = _Tensor.from_address(where)
    tensor.major, tensor.minor = VERSION
    tensor.context, tensor.deleter = None, _DELETER
    tensor.data, tensor.byte_offset = address, 0
    tensor.device_type, tensor.device_id = CPU
    tensor.ndim, (tensor.code, tensor.bits), tensor.lanes = ndim, type_, 1
    tensor.shape, tensor.strides = where + size, where + size + 8 * ndim
    return tensor
