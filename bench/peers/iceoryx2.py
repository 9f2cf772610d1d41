"""iceoryx2: messages in shared memory, without a server.

put loans a sample, fills and sends it, to a subscriber of the same process; delete receives and
drops it. A hand-off goes to the subscriber of another process, woken by an event. Nothing is kept
under names: what comes nearest, the blackboard, takes its keys when it is made and compares them by
calling Python, so that 10 000 entries would take minutes to make.
"""

import ctypes
import os
import shutil
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import iceoryx2 as iox2
from peer.contract import Peer, Store, Unable
from peer.program import memory_folder

NO_NAMES = "keeps nothing under names"
PROCESSES = 20
WAIT_SECONDS = 60
HAND_OFF_BUFFERED = 8
"""A consumer that comes late loses nothing; what it finds it need not be woken for."""


class Channel:
    """This process's ends of one service."""

    def __init__(self, node: Any, service: str, buffered: int) -> None:
        self._factory = (
            node.service_builder(iox2.ServiceName.new(service))
            .publish_subscribe(iox2.Slice[ctypes.c_uint8])
            .max_publishers(PROCESSES)
            .max_subscribers(PROCESSES)
            .max_nodes(PROCESSES)
            .history_size(0)
            .subscriber_max_buffer_size(buffered)
            .subscriber_max_borrowed_samples(2)
            .open_or_create()
        )
        self._publisher: Any = None
        self._subscriber: Any = None

    def loan(self, data: memoryview) -> Any:
        """A sample with a copy of the data, ready to be sent."""
        if self._publisher is None:
            builder = self._factory.publisher_builder().initial_max_slice_len(data.nbytes)
            strategy = iox2.AllocationStrategy.PowerOfTwo
            self._publisher = builder.allocation_strategy(strategy).create()
        sample = self._publisher.loan_slice_uninit(data.nbytes)
        source = (ctypes.c_char * data.nbytes).from_buffer(data)
        ctypes.memmove(sample.payload_ptr, source, data.nbytes)
        return sample.assume_init()

    def subscribe(self) -> None:
        if self._subscriber is None:
            self._subscriber = self._factory.subscriber_builder().create()

    def receive(self) -> Any:
        """The sample that came, if one did."""
        return self._subscriber.receive()


class Bell:
    """What wakes the one that waits."""

    def __init__(self, node: Any, service: str) -> None:
        builder = node.service_builder(iox2.ServiceName.new(service)).event()
        self._factory = builder.max_nodes(PROCESSES).open_or_create()
        self._listener: Any = None
        self._notifier: Any = None

    def await_listener(self) -> None:
        while self._factory.dynamic_config.number_of_listeners == 0:
            time.sleep(0.001)
        self._notifier = self._factory.notifier_builder().create()

    def ring(self) -> None:
        self._notifier.notify()

    def listen(self) -> None:
        if self._listener is None:
            self._listener = self._factory.listener_builder().create()

    def wait(self) -> None:
        self._listener.timed_wait(iox2.Duration.from_secs(WAIT_SECONDS))


class Connection(Store):
    def __init__(self, address: str) -> None:
        self._node = (
            iox2.NodeBuilder.new().config(config(Path(address))).create(iox2.ServiceType.Ipc)
        )
        self._own: dict[int, Channel] = {}
        self._sizes: dict[str, int] = {}
        self._shared = Channel(self._node, "shared", HAND_OFF_BUFFERED)
        self._bell = Bell(self._node, "bell")
        self._last: Any = None

    def put(self, name: str, data: memoryview) -> None:
        self._sizes[name] = data.nbytes
        self._channel(data.nbytes).loan(data).send()

    def get(self, name: str) -> memoryview:
        raise Unable(NO_NAMES)

    def delete(self, name: str) -> None:
        self._channel(self._sizes.pop(name)).receive()

    def put_all(self, items: Iterable[tuple[str, memoryview]]) -> None:
        raise Unable(NO_NAMES)

    def expect(self) -> None:
        self._bell.await_listener()

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        sample = self._shared.loan(data)
        return lambda: self._publish(sample)

    def wait(self, name: str) -> memoryview:
        self._shared.subscribe()
        self._bell.listen()
        self._last = self._shared.receive()
        while self._last is None:
            self._bell.wait()
            self._last = self._shared.receive()
        view: memoryview = self._last.payload().as_memory_view()
        return view.cast("B")

    def forget(self, name: str) -> None:
        """The consumer drops it."""

    def _publish(self, sample: Any) -> None:
        sample.send()
        self._bell.ring()

    def _channel(self, nbytes: int) -> Channel:
        """With a subscriber of its own: a sample that goes to nobody costs less."""
        if nbytes not in self._own:
            self._own[nbytes] = Channel(self._node, f"{os.getpid()}/{nbytes}", 1)
            self._own[nbytes].subscribe()
        return self._own[nbytes]

    def close(self) -> None:
        self._last = None
        self._own.clear()
        del self._shared, self._bell, self._node


def config(folder: Path) -> Any:
    """Everything of this run has a place and a prefix of its own, to be found at the end."""
    found = iox2.config.default()
    found.global_cfg.root_path = iox2.Path.new(str(folder))
    found.global_cfg.prefix = iox2.FileName.new(f"{folder.name}_")
    return found


class Here(Peer):
    def __init__(self) -> None:
        self._folder: Path | None = None

    def start(self) -> str:
        self._folder = memory_folder()
        return str(self._folder)

    def connect(self, address: str) -> Store:
        iox2.set_log_level(iox2.LogLevel.Error)
        return Connection(address)

    def versions(self) -> dict[str, str]:
        return {"iceoryx2": version("iceoryx2")}

    def settings(self) -> dict[str, str]:
        return {
            "subscriber_max_buffer_size": f"1, hand-off {HAND_OFF_BUFFERED}",
            "history_size": "0",
        }

    def stop(self) -> None:
        """Also what processes left that did not come to closing."""
        if self._folder is not None:
            for left in self._folder.parent.glob(f"{self._folder.name}_*"):
                left.unlink()
            shutil.rmtree(self._folder)
