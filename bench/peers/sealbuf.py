"""Sealbuf as a program has it: its own daemon, from `sealbuf.serve()`, under the same uid."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import numpy as np
from peer.contract import Peer, Store
from peer.process import descendants

import sealbuf

CAPACITY = "4GiB"
PUT_UP_TO = 256 << 10
"""Up to here a hand-off is a put, one round trip; above, a writer is filled and sealed."""


class Connection(Store):
    def __init__(self, socket: str) -> None:
        self._store = sealbuf.connect(socket, timeout=60.0)
        self._last: sealbuf.Buffer | None = None

    def put(self, name: str, data: memoryview) -> None:
        self._store.put(data, name)

    def get(self, name: str) -> memoryview:
        return self._store.get(name).memoryview()

    def delete(self, name: str) -> None:
        self._store.delete(name)

    def look(self, names: Sequence[str]) -> None:
        get = self._store.get
        for name in names:
            get(name).memoryview()[:8]

    def ping(self) -> None:
        self._store.ping()

    def put_many(self, items: Mapping[str, memoryview]) -> None:
        self._store.put_many(items)

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        if data.nbytes <= PUT_UP_TO:
            return super().prepare(name, data)
        writer = self._store.create(name, nbytes=data.nbytes)
        np.copyto(np.asarray(writer), np.frombuffer(data, np.uint8))
        return lambda: self._seal(writer)

    def wait(self, name: str) -> memoryview:
        return self._store.get(name, timeout=60.0).memoryview()

    def close(self) -> None:
        self._store.close()

    def _seal(self, writer: sealbuf.Writer) -> None:
        writer.seal()


class Here(Peer):
    def __init__(self) -> None:
        self._stack = ExitStack()
        self._daemon = 0

    def start(self) -> str:
        before = set(descendants(os.getpid()))
        address = self._stack.enter_context(sealbuf.serve(CAPACITY))
        started = set(descendants(os.getpid())) - before
        self._daemon = max(started)  # the guard came first
        return address

    def connect(self, address: str) -> Store:
        return Connection(address)

    def versions(self) -> dict[str, str]:
        return {"sealbuf": sealbuf.__version__}

    def settings(self) -> dict[str, str]:
        return {"capacity": CAPACITY}

    def servers(self) -> list[int]:
        return [self._daemon]

    def stop(self) -> None:
        self._stack.close()
