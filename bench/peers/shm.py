"""multiprocessing.shared_memory: each buffer a file in /dev/shm, attached by its name at every get.

Python 3.13, for track=False: before, every attaching process would tell a helper process of it, and
remove the memory at its end.
"""

import os
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

from peer.contract import Peer, Store


def untracked(name: str, **options: Any) -> Any:
    return SharedMemory(name, **{"track": False, **options})


class Blocks(Store):
    """Names carry a slash; those of shared memory may not."""

    def __init__(self, address: str) -> None:
        self._prefix = address
        self._last: SharedMemory | None = None

    def put(self, name: str, data: memoryview) -> None:
        block = untracked(self._name(name), create=True, size=data.nbytes)
        block.buf[: data.nbytes] = data
        block.close()

    def get(self, name: str) -> memoryview:
        self.close()
        block = self._last = untracked(self._name(name))
        view: memoryview = block.buf
        return view

    def delete(self, name: str) -> None:
        block = untracked(self._name(name))
        block.unlink()
        block.close()

    def close(self) -> None:
        """Lets go of what was got last."""
        if self._last is not None:
            self._last.close()
            self._last = None

    def _name(self, name: str) -> str:
        return self._prefix + name.replace("/", ".")


class Here(Peer):
    def __init__(self) -> None:
        self._prefix: str | None = None

    def start(self) -> str:
        self._prefix = f"sealbuf-bench-{os.getpid()}-"
        return self._prefix

    def connect(self, address: str) -> Store:
        return Blocks(address)

    def versions(self) -> dict[str, str]:
        return {}

    def settings(self) -> dict[str, str]:
        return {"track": "False"}

    def stop(self) -> None:
        """Blocks outlive everybody, so those that are left after a failure go here."""
        if self._prefix is not None:
            for left in Path("/dev/shm").glob(f"{self._prefix}*"):
                left.unlink()
