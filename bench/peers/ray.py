"""Ray's object store, on a local node: `ray.put` and `ray.get` of NumPy arrays, which it maps.

Objects have references instead of names. The process that puts keeps them in a dictionary; those
that other processes look for it leaves in a file, pickled. A hand-off goes through a mailbox, an
actor, which is Ray's way to name things.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from peer.contract import Peer, Store
from peer.process import descendants
from peer.program import memory_folder

os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")
import ray

NAMESPACE = "bench"
STORE_BYTES = 4 << 30
QUIET = {"log_to_driver": False, "logging_level": "error", "namespace": NAMESPACE}


class Mailbox:
    """Hands on references; a reference in a list is not resolved on the way."""

    def __init__(self) -> None:
        self._arrived: dict[str, asyncio.Future[list[Any]]] = {}

    async def deliver(self, name: str, reference: list[Any]) -> None:
        self._slot(name).set_result(reference)

    async def collect(self, name: str) -> list[Any]:
        reference = await self._slot(name)
        del self._arrived[name]
        return reference

    def _slot(self, name: str) -> "asyncio.Future[list[Any]]":
        return self._arrived.setdefault(name, asyncio.get_running_loop().create_future())


class Driver(Store):
    def __init__(self, folder: Path) -> None:
        self._file = folder / "references"
        self._references: dict[str, Any] = {}
        self._mailbox: Any = None

    def put(self, name: str, data: memoryview) -> None:
        self._references[name] = ray.put(np.frombuffer(data, np.uint8))

    def get(self, name: str) -> memoryview:
        if name not in self._references:
            self._references = ray.cloudpickle.loads(self._file.read_bytes())
        return memoryview(ray.get(self._references[name]))

    def delete(self, name: str) -> None:
        del self._references[name]

    def put_all(self, items: Iterable[tuple[str, memoryview]]) -> None:
        super().put_all(items)
        self._file.write_bytes(ray.cloudpickle.dumps(self._references))

    def expect(self) -> None:
        if self._mailbox is None:
            self._mailbox = ray.get_actor("mailbox")

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        """The object is put; its reference is what the other one waits for."""
        self.put(name, data)
        return lambda: self._deliver(name)

    def wait(self, name: str) -> memoryview:
        self.expect()
        (reference,) = ray.get(self._mailbox.collect.remote(name))
        return memoryview(ray.get(reference))

    def _deliver(self, name: str) -> None:
        self._mailbox.deliver.remote(name, [self._references[name]])


class Here(Peer):
    def __init__(self) -> None:
        self._folder: Path | None = None
        self._mailbox: Any = None

    def start(self) -> str:
        self._folder = memory_folder()
        ray.init(
            num_cpus=1, object_store_memory=STORE_BYTES, include_dashboard=False,
            _node_ip_address="127.0.0.1", _temp_dir=str(self._folder / "ray"), **QUIET,
        )  # fmt: skip
        return f"{ray.get_runtime_context().gcs_address} {self._folder}"

    def connect(self, address: str) -> Store:
        gcs, folder = address.split()
        if self._folder is None:
            ray.init(address=gcs, **QUIET)
        else:
            self._mailbox = ray.remote(Mailbox).options(name="mailbox", num_cpus=0).remote()
        return Driver(Path(folder))

    def versions(self) -> dict[str, str]:
        return {"ray": ray.__version__}

    def settings(self) -> dict[str, str]:
        return {"object_store_memory": str(STORE_BYTES), "num_cpus": "1", "dashboard": "no"}

    def servers(self) -> list[int]:
        """The node's processes, and the workers that it keeps ready."""
        return descendants(os.getpid())[1:]

    def stop(self) -> None:
        ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
