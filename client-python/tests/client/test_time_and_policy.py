"""Buffers that go by themselves: at the end of their time, or because the policy makes room."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

import sealbuf
from client.test_waiting import LONG
from harness.daemon import Daemon
from harness.public import folder_for
from harness.uids import Uid

pytestmark = pytest.mark.one_version

CAPACITY = 64 << 20
LARGE = 8 << 20


@pytest.fixture
def evicting(fresh_daemon: Callable[..., AbstractContextManager[Daemon]]) -> Iterator[str]:
    """The socket of a small daemon that makes room by itself."""
    config = folder_for(Uid.DAEMON, "config") / "sealbuf.json"
    config.write_text(json.dumps({"namespaces": {"default": {"eviction": "oldest"}}}))
    config.chmod(0o644)
    with fresh_daemon(capacity=str(CAPACITY), options=["--config", str(config)]) as daemon:
        yield daemon.path


def wait_until_gone(store: sealbuf.Store, name: str) -> float:
    """The seconds that it took."""
    start = time.monotonic()
    while name in store:
        assert time.monotonic() - start < LONG, store.stats()
        time.sleep(0.05)
    return time.monotonic() - start


@pytest.mark.parametrize("nbytes", [5, 1 << 20])
def test_a_name_goes_at_the_end_of_its_time(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store:
        expired = store.stats()["expired"]
        with store.watch(name) as events:
            view = store.put(bytes([7]) * nbytes, name, ttl=1.0).memoryview()
            assert wait_until_gone(store, name) >= 0.9
            assert [next(events).kind, next(events).kind] == ["sealed", "deleted"]
        assert store.stats()["expired"] == int(expired) + 1
        assert view == bytes([7]) * nbytes


def test_what_replaces_a_buffer_has_a_time_of_its_own(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"old", name, ttl=1.0)
        store.put(b"new", name, replace=True)
        store.put(b"witness", f"{name}/witness", ttl=1.0)
        wait_until_gone(store, f"{name}/witness")
        time.sleep(1)
        assert store.get(name) == b"new"
        store.delete(name)


def test_the_oldest_buffers_make_room_for_new_ones(evicting: str) -> None:
    with sealbuf.connect(evicting) as store:
        for number in range(3 * CAPACITY // LARGE):
            assert store.put(bytes([number]) * LARGE, f"n/{number}", timeout=LONG).nbytes == LARGE
        names = [entry.name for entry in store.list("n/")]
        assert f"n/{3 * CAPACITY // LARGE - 1}" in names
        assert "n/0" not in names
        assert int(store.stats()["evicted"]) > 0


def test_what_somebody_holds_is_not_evicted(evicting: str) -> None:
    with sealbuf.connect(evicting) as store, sealbuf.connect(evicting) as reader:
        store.put(b"k" * LARGE, "kept")
        view = reader.get("kept").memoryview()
        for number in range(2 * CAPACITY // LARGE):
            store.put(bytes(LARGE), f"n/{number}", timeout=LONG)
        assert reader.get("kept") == b"k" * LARGE
        assert view.tobytes() == b"k" * LARGE
        del view


def test_holders_name_who_was_handed_a_buffer(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        store.put(bytes(LARGE), name)
        view = reader.get(name).memoryview()
        rows = [row for row in store.holders(name) if row.kind == "dedicated"]
        assert rows
        assert {row.name for row in rows} == {name}
        assert {row.nbytes for row in rows} == {LARGE}
        store.delete(name)
        assert int(store.stats()["held_bytes"]) >= LARGE
        del view
        start = time.monotonic()
        while store.stats()["held_bytes"]:
            assert time.monotonic() - start < LONG, store.holders()
            time.sleep(0.05)
