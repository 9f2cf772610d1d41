"""What becomes of a buffer in somebody else's hands: `SOCKET NAME (use|write) CONSUMER`, and
`SOCKET NAME (publish|check) NBYTES` before and after.

`use` prints how the consumer gets at the bytes: without a copy, which is proven by an address or by
private memory that does not grow; by a copy; or not at all. `write` tries to change them through
the consumer. Each in a process of its own, since a write may be the end of it.

The buffer is a text of JSON, `[    ]`, so that everybody can read it.
"""

# ruff: noqa: T201, PLC0415 - a program; each consumer is imported where it is used

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sealbuf

ALLOWED = (1 + 2) << 20
"""Beside what the consumer takes, a slab may be mapped: no copy, though it counts as memory."""
SMALL = 1 << 16

Use = Callable[[Any, sealbuf.Buffer], int | None]
"""Takes the bytes-like object (the Buffer, or on Python 3.11 its memoryview) and the Buffer. The
address where the consumer sees the bytes, or None if it does not say."""

USES: dict[str, Use] = {}
WRITES: dict[str, Use] = {}


def use(name: str) -> Callable[[Use], Use]:
    return lambda function: USES.setdefault(name, function)


def write(name: str) -> Callable[[Use], Use]:
    return lambda function: WRITES.setdefault(name, function)


@use("numpy")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import numpy as np

    return int(np.asarray(buffer).ctypes.data)


@write("numpy")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import numpy as np

    np.asarray(buffer)[0] = 1


@use("pyarrow")
def _(given: Any, _buffer: sealbuf.Buffer) -> int:
    import pyarrow as pa

    return int(pa.py_buffer(given).address)


@write("pyarrow")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import pyarrow as pa

    pa.FixedSizeBufferWriter(pa.py_buffer(given)).write(b"x")


@use("torch")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import torch

    return int(torch.from_dlpack(buffer).data_ptr())


@write("torch")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import torch

    torch.from_dlpack(buffer)[0] = 1


@use("pandas")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import numpy as np
    import pandas as pd

    return int(pd.Series(np.asarray(buffer), copy=False).to_numpy().ctypes.data)


@write("pandas")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import numpy as np
    import pandas as pd

    pd.Series(np.asarray(buffer), copy=False).iloc[0] = 1


def series(given: Any) -> Any:
    import polars as pl
    import pyarrow as pa

    held = pa.py_buffer(given)
    return pl.from_arrow(pa.Array.from_buffers(pa.uint8(), held.size, [None, held]))


@use("polars")
def _(given: Any, _buffer: sealbuf.Buffer) -> int:
    return int(series(given).to_numpy(allow_copy=False).ctypes.data)


@write("polars")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    series(given)[0] = 1


@use("struct")
def _(given: Any, buffer: sealbuf.Buffer) -> None:
    import struct

    struct.unpack_from("Q", given, len(buffer) - 8)


@write("struct")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import struct

    struct.pack_into("B", given, 0, 1)


@use("zlib")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import zlib

    zlib.crc32(given)


@use("hashlib")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import hashlib

    hashlib.sha256(given)


@use("json")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import json

    json.loads(given)


@use("orjson")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import orjson

    orjson.loads(given)


def pumped(send: Callable[[Any], object], receive: Callable[[], int], nbytes: int) -> None:
    """Sends in this thread what another one receives."""
    import threading

    def drain() -> None:
        left = nbytes
        while left:
            left -= receive()

    thread = threading.Thread(target=drain)
    thread.start()
    send(None)
    thread.join()


@use("ssl")
def _(given: Any, buffer: sealbuf.Buffer) -> None:
    import socket
    import ssl

    room, ends = bytearray(1 << 16), []
    for side, plain in zip((True, False), socket.socketpair(), strict=True):
        kind = ssl.PROTOCOL_TLS_SERVER if side else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(kind)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aNULL:@SECLEVEL=0")  # which needs no certificate
        ends.append(context.wrap_socket(plain, side, do_handshake_on_connect=False))
    server, client = ends
    pumped(lambda _: client.sendall(given), lambda: server.recv_into(room), len(buffer))


@use("socket")
def _(given: Any, buffer: sealbuf.Buffer) -> None:
    import socket

    room, (left, right) = bytearray(1 << 16), socket.socketpair()
    pumped(lambda _: left.sendall(given), lambda: right.recv_into(room), len(buffer))


@write("socket")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import socket

    left, right = socket.socketpair()
    left.send(b"x")
    right.recv_into(given)


@use("os.writev")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import os

    with Path(os.devnull).open("wb") as nowhere:
        os.writev(nowhere.fileno(), [given])


@write("os.writev")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import os

    with Path("/dev/zero").open("rb") as zeros:
        os.readv(zeros.fileno(), [given])


@use("re")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import re

    assert re.search(rb"\]", given)


def image(given: Any, buffer: sealbuf.Buffer) -> Any:
    from PIL import Image

    width = 1 << len(buffer).bit_length() // 2
    return Image.frombuffer("L", (width, len(buffer) // width), given, "raw", "L", 0, 1)


@use("PIL")
def _(given: Any, buffer: sealbuf.Buffer) -> None:
    image(given, buffer).getextrema()


@write("PIL")
def _(given: Any, buffer: sealbuf.Buffer) -> None:
    image(given, buffer).putpixel((0, 0), 1)


@use("h5py")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import tempfile

    import h5py
    import numpy as np

    with tempfile.NamedTemporaryFile() as file, h5py.File(file.name, "w") as written:
        written.create_dataset("x", data=np.asarray(buffer))


@write("h5py")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import tempfile

    import h5py
    import numpy as np

    with tempfile.NamedTemporaryFile() as file, h5py.File(file.name, "w") as written:
        zeros = written.create_dataset("x", data=np.zeros(len(buffer), "u1"))
        zeros.read_direct(np.asarray(buffer))


@use("safetensors")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import safetensors

    safetensors.deserialize(given)


@use("cffi")
def _(given: Any, _buffer: sealbuf.Buffer) -> int:
    import cffi

    ffi = cffi.FFI()
    return int(ffi.cast("uintptr_t", ffi.from_buffer(given)))


@write("cffi")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import cffi

    cffi.FFI().from_buffer(given)[0] = b"x"


@use("ctypes")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import ctypes

    return ctypes.addressof((ctypes.c_char * len(buffer)).from_address(buffer.address))


@write("ctypes")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import ctypes

    ctypes.memset(buffer.address, 1, 1)


CYTHON = """
def address(const unsigned char[:] view): return <size_t>&view[0]
def change(unsigned char[:] view): view[0] = 1
"""


def compiled() -> Any:
    import importlib
    import tempfile

    importlib.import_module("setuptools")  # which has distutils, as Python had before 3.12
    import pyximport

    folder = tempfile.mkdtemp()
    (Path(folder) / "sealbuf_cython.pyx").write_text(CYTHON)
    sys.path.insert(0, folder)
    pyximport.install(build_dir=folder, language_level=3)
    return importlib.import_module("sealbuf_cython")


@use("Cython view")
def _(given: Any, _buffer: sealbuf.Buffer) -> int:
    return int(compiled().address(given))


@write("Cython view")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    compiled().change(given)


@use("numba")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import numba
    import numpy as np

    return int(numba.njit(lambda array: array.ctypes.data)(np.asarray(buffer)))


@write("numba")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import numba
    import numpy as np

    def change(array: Any) -> None:
        array[0] = 1

    numba.njit(change)(np.asarray(buffer))


@use("DLPack")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import numpy as np

    return int(np.from_dlpack(buffer).ctypes.data)


@write("DLPack")
def _(_given: Any, buffer: sealbuf.Buffer) -> None:
    import numpy as np

    np.from_dlpack(buffer)[0] = 1


@use("pickle")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import pickle

    return int(pickle.loads(pickle.dumps(buffer)).address)


@use("io.BytesIO")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import io

    io.BytesIO(given).read(1)


@write("io.BytesIO")
def _(given: Any, _buffer: sealbuf.Buffer) -> None:
    import io

    io.BytesIO(given).write(b"x")


@use("multiprocessing")
def _(_given: Any, buffer: sealbuf.Buffer) -> int:
    import multiprocessing

    there, here = multiprocessing.Pipe()
    there.send(buffer)
    return int(here.recv().address)


def used(consumer: str, store: sealbuf.Store, large: sealbuf.Buffer) -> str:
    function = USES[consumer]
    try:
        function(given(small := store.put(text(SMALL))), small)
    except ImportError as error:
        return f"missing: {error}"
    except Exception as error:  # noqa: BLE001 - whatever it refuses with
        return f"refuses: {type(error).__name__}"
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    address = function(given(large), large)
    grown = memory("VmHWM") - before
    if address == large.address:
        return "zero copy: address"
    return "zero copy: memory" if grown < ALLOWED else "copies"


def written(consumer: str, large: sealbuf.Buffer) -> str:
    if consumer not in WRITES:
        return "reads only"
    first = large[0]
    try:
        WRITES[consumer](given(large), large)
    except ImportError as error:
        return f"missing: {error}"
    except Exception as error:  # noqa: BLE001 - whatever it refuses with
        return f"refused: {type(error).__name__}"
    return "a copy changes" if large[0] == first else "CHANGED"


def given(buffer: sealbuf.Buffer) -> Any:
    return buffer if sys.version_info >= (3, 12) else buffer.memoryview()


def memory(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024


def text(nbytes: int) -> bytes:
    return b"[" + b" " * (nbytes - 2) + b"]"


def main(socket: str, name: str, what: str, subject: str) -> str:
    with sealbuf.connect(socket, timeout=60) as store:
        if what == "publish":
            store.put(text(int(subject)), name)
            return "published"
        large = store.get(name)
        if what == "check":
            return "as published" if large == text(int(subject)) else "CHANGED"
        sum(large.memoryview()[::4096])  # each page is there
        return used(subject, store, large) if what == "use" else written(subject, large)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
