"""Redis over a Unix socket, saving nothing; redis-py with hiredis's parser. get copies."""

from collections.abc import Callable, Mapping

import hiredis
import redis
from peer.contract import Peer, Store
from peer.program import Server, memory_folder, needed, version_of

OPTIONS = {
    "port": "0", "save": "", "appendonly": "no",
    "proto-max-bulk-len": "1gb", "client-query-buffer-limit": "2gb",
}  # fmt: skip
"""A SET of 1 GiB is more than the 1 GiB that Redis reads of one client's requests by default."""


class Connection(Store):
    copies = True

    def __init__(self, address: str) -> None:
        self._client = redis.Redis(unix_socket_path=address)

    def put(self, name: str, data: memoryview) -> None:
        self._client.set(name, data)

    def get(self, name: str) -> memoryview:
        return memoryview(self._client.get(name))

    def delete(self, name: str) -> None:
        self._client.delete(name)

    def ping(self) -> None:
        self._client.ping()

    def put_many(self, items: Mapping[str, memoryview]) -> None:
        with self._client.pipeline(transaction=True) as pipeline:
            for name, data in items.items():
                pipeline.set(name, data)
            pipeline.execute()

    def wait(self, name: str) -> memoryview:
        """A list of one: what is made for waiting."""
        return memoryview(self._client.blpop([name], timeout=60)[1])

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        """Waiting is for lists, so one is published."""
        return lambda: self._push(name, data)

    def forget(self, name: str) -> None:
        """Taken by the one that waited."""

    def close(self) -> None:
        self._client.close()

    def _push(self, name: str, data: memoryview) -> None:
        self._client.rpush(name, data)


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None

    def start(self) -> str:
        program = needed("redis-server", "redis-server")
        folder = memory_folder()
        path = str(folder / "socket")
        options = [word for name, value in OPTIONS.items() for word in (f"--{name}", value)]
        self._server = Server([program, "--unixsocket", path, *options], folder)
        self._server.wait_until(lambda: _answers(path))
        return path

    def connect(self, address: str) -> Store:
        return Connection(address)

    def versions(self) -> dict[str, str]:
        server = version_of(["redis-server", "--version"]).split("v=")[1].split()[0]
        return {"redis": server, "redis-py": redis.__version__, "hiredis": hiredis.__version__}

    def settings(self) -> dict[str, str]:
        return OPTIONS

    def servers(self) -> list[int]:
        return [] if self._server is None else [self._server.pid]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


def _answers(path: str) -> bool:
    try:
        return bool(redis.Redis(unix_socket_path=path).ping())
    except redis.ConnectionError:
        return False
