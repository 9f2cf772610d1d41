"""What every client does in the smoke suite, on the daemon at $SEALBUF_SOCKET, in Python.

`python smoke.py NAME` publishes under that name, reads it back and tries to change it: through the
client, and by asking the kernel for the right to write to what the daemon's memory is mapped to.
"""

import ctypes
import sys
from pathlib import Path

import sealbuf

READ_AND_WRITE = 3


def client_refuses(buffer: sealbuf.Buffer) -> bool:
    try:
        buffer.memoryview()[0] = 0
    except TypeError:
        return True
    return False


def kernel_refuses() -> bool:
    maps = Path("/proc/self/maps").read_text().splitlines()
    starts = [int(line.split("-")[0], 16) for line in maps if "/memfd:" in line]
    mprotect = ctypes.CDLL(None).mprotect
    size = ctypes.c_size_t(4096)
    answers = {mprotect(ctypes.c_void_p(start), size, READ_AND_WRITE) for start in starts}
    return answers == {-1}


name = sys.argv[1]
with sealbuf.connect() as store:
    store.put(b"hello", name)
    buffer = store.get(name)
    refused = client_refuses(buffer) and kernel_refuses()
    sys.stdout.write(f"write refused: {str(refused).lower()}\nread: {bytes(buffer).decode()}\n")
