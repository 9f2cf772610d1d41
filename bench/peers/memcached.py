"""memcached over a Unix socket, with items up to 1 GiB; pylibmc. get copies."""

from collections.abc import Mapping

import pylibmc
from peer.contract import Peer, Store
from peer.program import Server, memory_folder, needed, version_of

OPTIONS = {"-m": "4096", "-I": "1023m"}
USER = "root"


class Connection(Store):
    copies = True

    def __init__(self, address: str) -> None:
        self._client = pylibmc.Client([address])

    def put(self, name: str, data: memoryview) -> None:
        if not self._client.set(name, bytes(data)):
            raise AssertionError(f"not stored: name={name} bytes={data.nbytes}")

    def get(self, name: str) -> memoryview:
        return memoryview(self._client.get(name))

    def delete(self, name: str) -> None:
        self._client.delete(name)

    def ping(self) -> None:
        self._client.get("-")

    def put_many(self, items: Mapping[str, memoryview]) -> None:
        refused = self._client.set_multi({name: bytes(data) for name, data in items.items()})
        if refused:
            raise AssertionError(f"not stored: count={len(refused)}")

    def close(self) -> None:
        self._client.disconnect_all()


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None

    def start(self) -> str:
        program = needed("memcached", "memcached")
        folder = memory_folder()
        path = str(folder / "socket")
        options = [word for option in OPTIONS.items() for word in option]
        self._server = Server([program, "-u", USER, "-s", path, *options], folder)
        self._server.wait_until(lambda: _answers(path))
        return path

    def connect(self, address: str) -> Store:
        return Connection(address)

    def versions(self) -> dict[str, str]:
        server = version_of(["memcached", "--version"]).split()[-1]
        return {"memcached": server, "pylibmc": pylibmc.__version__}

    def settings(self) -> dict[str, str]:
        return OPTIONS

    def servers(self) -> list[int]:
        return [] if self._server is None else [self._server.pid]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


def _answers(path: str) -> bool:
    try:
        pylibmc.Client([path]).get("-")
    except pylibmc.Error:
        return False
    return True
