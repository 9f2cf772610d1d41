"""vineyard without etcd: `create_blob` and `seal` to put, `get_blob` to get, by reference.

Blobs have ids instead of names. The process that puts keeps them in a dictionary; those that other
processes look for it leaves in a file. Names are for persistent objects: a hand-off uses one.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import vineyard
import vineyard.bdist
from peer.contract import Peer, Store
from peer.program import Server, memory_folder

OPTIONS = {"--meta": "local", "--size": "4Gi", "--rpc": "false"}


class Connection(Store):
    def __init__(self, address: str) -> None:
        self._client = vineyard.connect(address)
        self._file = Path(address).with_name("ids")
        self._ids: dict[str, Any] = {}
        self._last: Any = None

    def put(self, name: str, data: memoryview) -> None:
        builder = self._client.create_blob(data.nbytes)
        np.copyto(np.frombuffer(builder, np.uint8), np.frombuffer(data, np.uint8))
        self._ids[name] = builder.seal(self._client).id

    def get(self, name: str) -> memoryview:
        if name not in self._ids:
            found = json.loads(self._file.read_text())
            self._ids = {name: vineyard.ObjectID(text) for name, text in found.items()}
        return memoryview(self._client.get_blob(self._ids[name])).cast("B")

    def delete(self, name: str) -> None:
        self._client.delete(self._ids.pop(name))

    def put_all(self, items: Iterable[tuple[str, memoryview]]) -> None:
        super().put_all(items)
        self._file.write_text(json.dumps({name: repr(key) for name, key in self._ids.items()}))

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        """The array is put; its name is what the other one waits for."""
        self._ids[name] = self._client.put(np.frombuffer(data, np.uint8))
        return lambda: self._publish(name)

    def wait(self, name: str) -> memoryview:
        self._last = self._client.get(self._client.get_name(name, wait=True))
        return memoryview(self._last)

    def forget(self, name: str) -> None:
        self._client.drop_name(name)
        self.delete(name)

    def close(self) -> None:
        self._client.close()

    def _publish(self, name: str) -> None:
        self._client.persist(self._ids[name])
        self._client.put_name(self._ids[name], name)


class Here(Peer):
    def __init__(self) -> None:
        self._server: Server | None = None

    def start(self) -> str:
        folder = memory_folder()
        path = folder / "socket"
        program = str(Path(vineyard.bdist.__file__).with_name("vineyardd"))
        options = [f"{name}={value}" for name, value in OPTIONS.items()]
        self._server = Server([program, "--socket", str(path), *options], folder)
        self._server.wait_until(path.exists)
        return str(path)

    def connect(self, address: str) -> Store:
        return Connection(address)

    def versions(self) -> dict[str, str]:
        return {"vineyard": vineyard.__version__}

    def settings(self) -> dict[str, str]:
        return OPTIONS

    def servers(self) -> list[int]:
        return [] if self._server is None else [self._server.pid]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
