"""Arrow's Plasma, from the last pyarrow that has it: a file in memory, cut up by its store.

Ids are the names, padded. put is `put_raw_buffer`, its copy by as many threads as it has cores for
(one here); get is `get_buffers`, a round trip, and by reference.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
from peer.contract import Peer, Store
from peer.program import Server, memory_folder

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyarrow import plasma

STORE_BYTES = 4 << 30
ID_BYTES = 20
WAIT_MS = 60_000


class Connection(Store):
    def __init__(self, address: str) -> None:
        self._client = plasma.connect(address)

    def put(self, name: str, data: memoryview) -> None:
        self._client.put_raw_buffer(data, identity(name), memcopy_threads=1)

    def get(self, name: str) -> memoryview:
        return memoryview(self._client.get_buffers([identity(name)], timeout_ms=0)[0])

    def delete(self, name: str) -> None:
        self._client.delete([identity(name)])

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        """Created and filled; sealing publishes."""
        key = identity(name)
        place = np.frombuffer(self._client.create(key, data.nbytes), np.uint8)
        np.copyto(place, np.frombuffer(data, np.uint8))
        return lambda: self._seal(key)

    def wait(self, name: str) -> memoryview:
        return memoryview(self._client.get_buffers([identity(name)], timeout_ms=WAIT_MS)[0])

    def close(self) -> None:
        self._client.disconnect()

    def _seal(self, key: plasma.ObjectID) -> None:
        self._client.seal(key)


def identity(name: str) -> plasma.ObjectID:
    return plasma.ObjectID(name.encode().ljust(ID_BYTES, b"\0"))


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None

    def start(self) -> str:
        folder = memory_folder()
        path = folder / "socket"
        program = str(Path(pyarrow.__file__).with_name("plasma-store-server"))
        self._server = Server([program, "-m", str(STORE_BYTES), "-s", str(path)], folder)
        self._server.wait_until(path.exists)
        return str(path)

    def connect(self, address: str) -> Store:
        return Connection(address)

    def versions(self) -> dict[str, str]:
        return {"pyarrow": pyarrow.__version__}

    def settings(self) -> dict[str, str]:
        return {"-m": str(STORE_BYTES), "-h": "false (huge pages need root)"}

    def servers(self) -> list[int]:
        return [] if self._server is None else [self._server.pid]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
