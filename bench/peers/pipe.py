"""A process with a dictionary behind a pipe: pickle with protocol 5, a copy each way.

What one writes who has nothing else. The pipes are what multiprocessing.Pipe makes, Unix stream
sockets. A hand-off needs no dictionary: it goes from one process to the other.
"""

import pickle
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Connection, Listener, wait
from typing import Any

from peer.contract import Peer, Store
from peer.program import Server, memory_folder

PROTOCOL = 5


def serve(path: str) -> None:
    table: dict[str, bytes] = {}
    pipes: list[Connection] = []
    with Listener(path, "AF_UNIX") as listener:
        door = listener._listener._socket  # type: ignore[attr-defined]
        while True:
            for ready in wait([door, *pipes]):
                if ready is door:
                    pipes.append(listener.accept())
                elif isinstance(ready, Connection) and not _answered(ready, table):
                    pipes.remove(ready)


def _answered(pipe: Connection, table: dict[str, bytes]) -> bool:
    try:
        verb, argument = pickle.loads(pipe.recv_bytes())
    except EOFError:
        return False
    answer = None
    match verb:
        case "put":
            table.update(argument)
        case "get":
            answer = table[argument]
        case "delete":
            del table[argument]
    pipe.send_bytes(pickle.dumps(answer, PROTOCOL))
    return True


class End(Store):
    copies = True

    def __init__(self, address: str, listener: Listener | None) -> None:
        self._pipe = Client(address, "AF_UNIX")
        self._address = address
        self._listener = listener
        self._direct: Any = None

    def put(self, name: str, data: memoryview) -> None:
        self._ask("put", {name: pickle.PickleBuffer(data)})

    def get(self, name: str) -> memoryview:
        return memoryview(self._ask("get", name))

    def delete(self, name: str) -> None:
        self._ask("delete", name)

    def ping(self) -> None:
        self._ask("ping", None)

    def put_many(self, items: Mapping[str, memoryview]) -> None:
        self._ask("put", {name: pickle.PickleBuffer(data) for name, data in items.items()})

    def expect(self) -> None:
        if self._listener is not None:
            self._direct = self._listener.accept()

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        return lambda: self._direct.send_bytes(pickle.dumps(pickle.PickleBuffer(data), PROTOCOL))

    def wait(self, name: str) -> memoryview:
        if self._direct is None:
            self._direct = Client(direct(self._address), "AF_UNIX")
        return memoryview(pickle.loads(self._direct.recv_bytes()))

    def forget(self, name: str) -> None:
        """Nothing is left of a hand-off."""

    def close(self) -> None:
        self._pipe.close()
        if self._direct is not None:
            self._direct.close()

    def _ask(self, verb: str, argument: object) -> bytes:
        self._pipe.send_bytes(pickle.dumps((verb, argument), PROTOCOL))
        answer: bytes = pickle.loads(self._pipe.recv_bytes())
        return answer


def direct(address: str) -> str:
    return f"{address}-direct"


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None
        self._listener: Listener | None = None

    def start(self) -> str:
        folder = memory_folder()
        path = folder / "socket"
        self._server = Server([sys.executable, "-m", "peers.pipe", str(path)], folder)
        self._server.wait_until(path.exists)
        self._listener = Listener(direct(str(path)), "AF_UNIX")
        return str(path)

    def connect(self, address: str) -> Store:
        return End(address, self._listener)

    def versions(self) -> dict[str, str]:
        return {}

    def settings(self) -> dict[str, str]:
        return {"pickle": f"protocol {PROTOCOL}"}

    def servers(self) -> list[int]:
        return [] if self._server is None else [self._server.pid]

    def stop(self) -> None:
        if self._server is not None and self._listener is not None:
            self._listener.close()
            self._server.stop()


if __name__ == "__main__":
    serve(sys.argv[1])
