"""A worker of `sealbuf verify` in Python: `python -m sealbuf._verify SOCKET NAMESPACE`.

It does what the command tells it, a line of JSON a command, until standard input ends, and answers
each with a line that has `end`. The commands are those of `WorkerMain`, its counterpart in Java:

    put, create   buffers: one; replace          done
    put_many      buffers                        done
    delete        name                           done, absent
    hoard                                        done; of interest is its refusal
    read          name; keep: number or 0;       found: nbytes, crc32, label, attack; absent
                  attack
    again         keep: number                   found

A buffer is name, seed, nbytes and label. Whatever the store says no to has the end `refused` with
the code. The bytes of a buffer follow from its seed, see `content`.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from typing import Any, TypeAlias

import sealbuf

TILE = 1021 * 32
TIMEOUT = 60.0
"""On a machine that other things keep busy, a request may take its time."""
HOARD = 1 << 16

Answer: TypeAlias = dict[str, Any]
Fields: TypeAlias = dict[str, Any]


def content(seed: int, nbytes: int) -> bytes:
    """SHA-256 of the seed and a counter, 1021 digests of it, again and again to the end."""
    size = min(nbytes, TILE)
    digests = (sha256(struct.pack(">qi", seed, at)).digest() for at in range((size + 31) // 32))
    tile = b"".join(digests)
    return (tile * (nbytes // TILE + 1))[:nbytes]


def fill(view: "memoryview[int]", seed: int, nbytes: int) -> None:
    tile = content(seed, min(nbytes, TILE))
    for at in range(0, nbytes, TILE):
        view[at : at + TILE] = tile[: nbytes - at]


class Worker:
    def __init__(self, store: sealbuf.Store) -> None:
        self._store = store
        self._kept: dict[int, sealbuf.Buffer] = {}
        self._commands: dict[str, Callable[[Fields], Answer]] = {
            "put": self._put,
            "create": self._create,
            "put_many": self._put_many,
            "delete": self._delete,
            "hoard": self._hoard,
            "read": self._read,
            "again": self._again,
        }

    def obey(self, command: Fields) -> Answer:
        try:
            return self._commands[command["do"]](command)
        except sealbuf.NotFound:
            return {"end": "absent"}
        except sealbuf.Error as error:
            return {"end": "refused", "code": error.code, "message": str(error)}

    def _put(self, command: Fields) -> Answer:
        (buffer,) = command["buffers"]
        self._store.put(
            content(buffer["seed"], buffer["nbytes"]), buffer["name"],
            metadata=buffer["label"].encode(), replace=command["replace"],
        )  # fmt: skip
        return {"end": "done"}

    def _create(self, command: Fields) -> Answer:
        (buffer,) = command["buffers"]
        with self._store.create(
            buffer["name"], nbytes=buffer["nbytes"],
            metadata=buffer["label"].encode(), replace=command["replace"],
        ) as writer:  # fmt: skip
            say({"at": "writing"})
            with writer.memoryview() as view:
                fill(view, buffer["seed"], buffer["nbytes"])
            say({"at": "sealing"})
        return {"end": "done"}

    def _put_many(self, command: Fields) -> Answer:
        buffers = command["buffers"]
        self._store.put_many(
            {each["name"]: content(each["seed"], each["nbytes"]) for each in buffers}
        )
        return {"end": "done"}

    def _delete(self, command: Fields) -> Answer:
        self._store.delete(command["name"])
        return {"end": "done"}

    def _hoard(self, _: Fields) -> Answer:
        with ExitStack() as writers:
            for _number in range(HOARD):
                writers.callback(self._store.create(nbytes=0).abort)
        return {"end": "done"}

    def _read(self, command: Fields) -> Answer:
        buffer = self._store.get(command["name"])
        attack = attacked(buffer) if command["attack"] and buffer.nbytes else ""
        if command["keep"]:
            self._kept[command["keep"]] = buffer
        return found(buffer, attack)

    def _again(self, command: Fields) -> Answer:
        return found(self._kept.pop(command["keep"]), "")


def found(buffer: sealbuf.Buffer, attack: str) -> Answer:
    with buffer.memoryview() as view:
        crc = zlib.crc32(view)
    label = buffer.metadata.decode()
    return {
        "end": "found", "nbytes": buffer.nbytes, "crc32": crc, "label": label, "attack": attack,
    }  # fmt: skip


def attacked(buffer: sealbuf.Buffer) -> str:
    """Writes to it, first as a program does it by mistake, then past the language, in a process of
    its own that is expected to die of it."""
    try:
        buffer.memoryview()[0] = 0
    except TypeError:
        return attacked_raw(buffer.address)
    return "a memoryview let itself be written to"


def attacked_raw(address: int) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a thread that is not there any more
        child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        page = address - address % resource.getpagesize()
        ctypes.CDLL(None).mprotect(ctypes.c_void_p(page), 1, 3)  # reading and writing
        ctypes.memset(address, ctypes.c_ubyte.from_address(address).value ^ 0xFF, 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSEGV:
        return "refused"
    return f"a raw write ended with status {status}"


def say(line: Answer) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(socket: str, namespace: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with sealbuf.connect(socket, namespace=namespace, timeout=TIMEOUT) as store:
        worker = Worker(store)
        say({"end": "ready"})
        for line in sys.stdin:
            say(worker.obey(json.loads(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
