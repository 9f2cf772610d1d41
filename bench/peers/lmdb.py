"""LMDB: a file in memory that every process maps; get is a read transaction and a view of the page.

Set up for speed: no fsync, values written through the map (writemap), read-ahead off, views instead
of bytes (buffers=True). A view is good while its transaction is, so each get has one of its own and
keeps it until the next.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import lmdb
from peer.contract import Peer, Store
from peer.program import memory_folder

MAP_BYTES = 8 << 30
FLAGS = {"sync": False, "metasync": False, "writemap": True, "map_async": True, "readahead": False}


class Environment(Store):
    def __init__(self, address: str) -> None:
        self._env = lmdb.open(address, map_size=MAP_BYTES, max_spare_txns=4, **FLAGS)
        self._last: lmdb.Transaction | None = None

    def put(self, name: str, data: memoryview) -> None:
        with self._env.begin(write=True) as transaction:
            transaction.put(name.encode(), data)

    def get(self, name: str) -> memoryview:
        self._forget()
        self._last = self._env.begin(buffers=True)
        view: memoryview = self._last.get(name.encode())
        return view

    def delete(self, name: str) -> None:
        self._forget()
        with self._env.begin(write=True) as transaction:
            transaction.delete(name.encode())

    def look(self, names: Sequence[str]) -> None:
        begin = self._env.begin
        for name in names:
            with begin(buffers=True) as transaction:
                transaction.get(name.encode())[:8]

    def put_many(self, items: Mapping[str, memoryview]) -> None:
        with self._env.begin(write=True) as transaction:
            for name, data in items.items():
                transaction.put(name.encode(), data)

    def close(self) -> None:
        self._forget()
        self._env.close()

    def _forget(self) -> None:
        if self._last is not None:
            self._last.abort()
            self._last = None


class Here(Peer):
    def __init__(self) -> None:
        self._folder: Path | None = None

    def start(self) -> str:
        self._folder = memory_folder()
        return str(self._folder)

    def connect(self, address: str) -> Store:
        return Environment(address)

    def versions(self) -> dict[str, str]:
        return {"py-lmdb": lmdb.__version__, "lmdb": ".".join(map(str, lmdb.version()))}

    def settings(self) -> dict[str, str]:
        return {"map_size": str(MAP_BYTES), **{name: str(on) for name, on in FLAGS.items()}}

    def stop(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder)
