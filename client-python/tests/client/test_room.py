"""Publishing into a full store: refused at once, or after waiting for room."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

import sealbuf
from client.test_waiting import LONG, in_threads, later
from harness.daemon import Daemon

pytestmark = pytest.mark.one_version

CAPACITY = 64 << 20
LARGE = 16 << 20


@pytest.fixture
def full(fresh_daemon: Callable[..., AbstractContextManager[Daemon]]) -> Iterator[str]:
    """The socket of a daemon with little room."""
    with fresh_daemon(capacity=str(CAPACITY)) as daemon:
        yield daemon.path


def fill(store: sealbuf.Store, nbytes: int) -> list[str]:
    """Puts until there is no room; the names."""
    names: list[str] = []
    try:
        while True:
            names.append(store.put(bytes(nbytes), f"fill/{nbytes}/{len(names)}").name)
    except sealbuf.StoreFull:
        return names


@pytest.mark.parametrize("nbytes", [1000, 200_000, LARGE])
def test_a_put_waits_for_room(full: str, nbytes: int) -> None:
    with sealbuf.connect(full) as store:
        large = fill(store, LARGE)
        small = fill(store, 200_000) + fill(store, 1000)
        for call in (
            lambda: store.put(bytes(nbytes), "late", timeout=0.2),
            lambda: store.create("late", nbytes=LARGE, timeout=0.2),
            lambda: store.put_many({"late": bytes(nbytes)}, timeout=0.2),
        ):
            start = time.monotonic()
            with pytest.raises(sealbuf.StoreFull):
                call()
            assert 0.2 <= time.monotonic() - start < LONG
        with later(lambda: store.delete(*large, *small)):
            assert store.put(bytes(nbytes), "late", timeout=LONG).nbytes == nbytes
        assert store.get("late") == bytes(nbytes)


def test_all_who_wait_for_room_get_it_in_the_end(full: str) -> None:
    with sealbuf.connect(full) as store:
        names = fill(store, LARGE)
        done = threading.Event()

        def drain() -> None:
            while not done.is_set():
                for entry in store.list():
                    store.delete(entry.name)
                done.wait(0.02)

        draining = threading.Thread(target=drain)
        threading.Timer(0.2, draining.start).start()
        outcomes = in_threads(
            lambda number: store.put(bytes(LARGE), f"late/{number}", timeout=LONG).nbytes, 8
        )
        done.set()
        draining.join()
        assert outcomes == [LARGE] * 8
        assert names
