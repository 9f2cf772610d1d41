"""Floor: a C program that sends back what it reads, over a Unix socket, seen from Python."""

import socket
from pathlib import Path

from peer.contract import Peer, Store, Unable
from peer.program import Server, compiled, memory_folder

SOURCE = Path(__file__).parents[2] / "client-python/tests/harness/c/echo.c"
MESSAGE = bytes(64)


class Echo(Store):
    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)

    def put(self, name: str, data: memoryview) -> None:
        raise Unable("keeps nothing")

    def get(self, name: str) -> memoryview:
        raise Unable("keeps nothing")

    def delete(self, name: str) -> None:
        raise Unable("keeps nothing")

    def ping(self) -> None:
        self._socket.sendall(MESSAGE)
        self._socket.recv(4096)

    def close(self) -> None:
        self._socket.close()


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None

    def start(self) -> str:
        folder = memory_folder()
        path = folder / "socket"
        self._server = Server([compiled(SOURCE, folder), str(path)], folder)
        self._server.wait_until(lambda: "ready" in (folder / "log").read_text())
        return str(path)

    def connect(self, address: str) -> Store:
        return Echo(address)

    def versions(self) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
