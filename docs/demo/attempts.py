"""Attempts to change a published buffer, one function a row of the guarantee table, each in a child
of its own.

``python attempts.py SOCKET NAME [DAEMON_PID DAEMON_UID]`` prints one line an attempt: ``what TAB
how it ended``. With a pid and root's powers the last rows attack the daemon itself, from a process
of the daemon's own uid.
"""

import array
import ctypes
import errno
import fcntl
import json
import mmap
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy

import sealbuf

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
LIBC.mmap.restype = ctypes.c_void_p
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
MADV_REMOVE, PTRACE_SEIZE = 9, 0x4206


class Wire:
    """The control protocol by hand, to get at descriptors that the library keeps for itself."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.ask(op="hello", namespace="default", client="demo")

    def ask(self, **fields: object) -> tuple[dict[str, Any], list[int]]:
        head = json.dumps({"op": fields.pop("op"), "seq": 1, **fields}).encode()
        self.socket.sendall(struct.pack("<2sBBIQ", b"SB", 1, 0, len(head), 0) + head)
        data, messages, _, _ = self.socket.recvmsg(1 << 16, socket.CMSG_SPACE(16))
        received = array.array("i")
        for _, _, chunk in messages:
            received.frombytes(chunk)
        return json.loads(data[16:]), list(received)


def must(result: int) -> None:
    """Raises OSError for a C call that returned -1."""
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def assign(buffer: sealbuf.Buffer, _: int) -> None:
    buffer.memoryview()[0] = 1


def numpy_assign(buffer: sealbuf.Buffer, _: int) -> None:
    numpy.asarray(buffer)[0] = 1


def setflags(buffer: sealbuf.Buffer, _: int) -> None:
    numpy.asarray(buffer).setflags(write=True)


def from_buffer(buffer: sealbuf.Buffer, _: int) -> None:
    ctypes.c_char.from_buffer(buffer.memoryview())


def store_through_address(buffer: sealbuf.Buffer, _: int) -> None:
    ctypes.memset(buffer.address, 1, 1)


def mprotect(buffer: sealbuf.Buffer, _: int) -> None:
    page = buffer.address & ~(mmap.PAGESIZE - 1)
    must(LIBC.mprotect(page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE))


def madvise_remove(buffer: sealbuf.Buffer, _: int) -> None:
    page = buffer.address & ~(mmap.PAGESIZE - 1)
    must(LIBC.madvise(page, mmap.PAGESIZE, MADV_REMOVE))


def reopen(fd: int) -> int:
    """The descriptor was opened for reading; this asks the kernel for one to write."""
    return os.open(f"/proc/self/fd/{fd}", os.O_RDWR)


def truncate(_: sealbuf.Buffer, fd: int) -> None:
    os.ftruncate(reopen(fd), 0)


def punch_hole(_: sealbuf.Buffer, fd: int) -> None:
    # FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    must(LIBC.fallocate(reopen(fd), 0x03, 0, mmap.PAGESIZE))


def write(_: sealbuf.Buffer, fd: int) -> None:
    os.write(fd, b"x")


def reopen_and_write(_: sealbuf.Buffer, fd: int) -> None:
    os.pwrite(reopen(fd), b"x", 0)


def reopen_and_map(_: sealbuf.Buffer, fd: int) -> None:
    mmap.mmap(reopen(fd), mmap.PAGESIZE)


def add_seal(_: sealbuf.Buffer, fd: int) -> None:
    fcntl.fcntl(reopen(fd), fcntl.F_ADD_SEALS, 0)


ATTEMPTS: dict[str, Callable[[sealbuf.Buffer, int], None]] = {
    "Python: view[0] = 1": assign,
    "Python: numpy.asarray(buffer)[0] = 1": numpy_assign,
    "Python: setflags(write=True)": setflags,
    "Python: ctypes from_buffer": from_buffer,
    "Python: ctypes.memset on the address": store_through_address,
    "mprotect(PROT_WRITE)": mprotect,
    "madvise(MADV_REMOVE)": madvise_remove,
    "write to the reader's descriptor": write,
    "reopen /proc/self/fd/N, ftruncate": truncate,
    "reopen /proc/self/fd/N, fallocate(PUNCH_HOLE)": punch_hole,
    "reopen /proc/self/fd/N, pwrite": reopen_and_write,
    "reopen /proc/self/fd/N, map writable": reopen_and_map,
    "reopen /proc/self/fd/N, change the seals": add_seal,
}


def in_child(action: Callable[[], None]) -> str:
    """How an action ends in a process of its own: the name of the error, the signal, or WRITTEN."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            action()
            verdict = "WRITTEN"
        except OSError as refused:
            verdict = errno.errorcode.get(refused.errno or 0, type(refused).__name__)
        except (TypeError, ValueError) as refused:
            verdict = type(refused).__name__
        os.write(write, verdict.encode())
        os._exit(0)
    os.close(write)
    _, status = os.waitpid(pid, 0)
    verdict = os.read(read, 100).decode()
    os.close(read)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else verdict


def seal_while_mapped(path: str) -> str:
    """A producer that keeps its writable mapping cannot publish."""
    wire = Wire(path)
    lent, (writable, readable) = wire.ask(op="create", nbytes=mmap.PAGESIZE)
    mapping = mmap.mmap(writable, mmap.PAGESIZE)
    os.close(writable)
    refused, _ = wire.ask(op="seal", buffer=lent["buffer"])
    wire.ask(op="abort", buffer=lent["buffer"])
    mapping.close()
    os.close(readable)
    return str(refused.get("code", "WRITTEN"))


def open_memory(pid: int) -> None:
    os.open(f"/proc/{pid}/mem", os.O_RDWR)


def ptrace(pid: int) -> None:
    must(LIBC.ptrace(PTRACE_SEIZE, pid, None, None))


def as_uid(uid: int, action: Callable[[], None]) -> Callable[[], None]:
    def dropped() -> None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        action()

    return dropped


def main() -> None:
    path, name = sys.argv[1:3]
    with sealbuf.connect(path) as store:
        buffer = store.get(name)
    _, descriptors = Wire(path).ask(op="open", name=name)
    segment = descriptors[-1]
    for what, attempt in ATTEMPTS.items():
        print(what, in_child(lambda run=attempt: run(buffer, segment)), sep="\t")  # type: ignore[misc]
    print("seal while still mapped writable", seal_while_mapped(path), sep="\t")
    if len(sys.argv) > 3:
        pid, uid = int(sys.argv[3]), int(sys.argv[4])
        print(
            "/proc/PID/mem of the daemon", in_child(as_uid(uid, lambda: open_memory(pid))), sep="\t"
        )
        print("ptrace the daemon", in_child(as_uid(uid, lambda: ptrace(pid))), sep="\t")


if __name__ == "__main__":
    main()
