"""Floor: one process writes into a Unix socket, another one is woken by it. No data is handed over.

The few bytes are what the one that waits takes for the head of a buffer.
"""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from peer.contract import Peer, Store, Unable
from peer.payload import HEAD
from peer.program import memory_folder


class Bell(Store):
    """Whoever started rings, through its listener; others wait."""

    def __init__(self, address: str, listener: socket.socket | None) -> None:
        self._address = address
        self._listener = listener
        self._end: socket.socket | None = None

    def put(self, name: str, data: memoryview) -> None:
        raise Unable("keeps nothing")

    def get(self, name: str) -> memoryview:
        raise Unable("keeps nothing")

    def delete(self, name: str) -> None:
        raise Unable("keeps nothing")

    def expect(self) -> None:
        if self._listener is not None:
            self._end = self._listener.accept()[0]

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        return lambda: self._ring(data[:HEAD])

    def wait(self, name: str) -> memoryview:
        if self._end is None:
            self._end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._end.connect(self._address)
        return memoryview(self._end.recv(HEAD))

    def forget(self, name: str) -> None:
        """Nothing was kept."""

    def _ring(self, head: memoryview) -> None:
        if self._end is not None:
            self._end.send(head)


class Here(Peer):
    def __init__(self) -> None:
        self._folder: Path | None = None
        self._listener: socket.socket | None = None

    def start(self) -> str:
        self._folder = memory_folder()
        address = str(self._folder / "socket")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(address)
        self._listener.listen()
        return address

    def connect(self, address: str) -> Store:
        return Bell(address, self._listener)

    def versions(self) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder)
