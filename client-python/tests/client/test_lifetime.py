"""Memory and descriptors: what is dropped is gone, at once and whole."""

import gc
from pathlib import Path

import pytest

import sealbuf
from harness.bystander import within
from helpers.descriptors import descriptors


def segments() -> int:
    return Path("/proc/self/maps").read_text().count("/memfd:")


def held(store: sealbuf.Store) -> int:
    """Bytes of what was deleted and is still mapped, by whomever."""
    return int(store.stats()["held_bytes"])


def work(store: sealbuf.Store, name: str) -> None:
    """Every way in which memory or a descriptor comes and goes."""
    small, large = store.put(b"hello", f"{name}/small"), store.put(bytes(1 << 20), f"{name}/large")
    with store.create(f"{name}/written", nbytes=3 << 20) as writer:
        writer.memoryview()[0] = 1
    with pytest.raises(sealbuf.AlreadyExists):
        store.create(f"{name}/written", nbytes=3 << 20)
    store.create(nbytes=100).abort()
    for each in (small.name, large.name, writer.name):
        assert store.get(each).memoryview()[:1].nbytes == 1
    store.delete(small.name, large.name, writer.name)


def test_what_is_dropped_is_gone(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        work(store, name)
        gc.collect()
        before, still = (descriptors(), segments()), held(store)
        for _ in range(50):
            work(store, name)
        gc.collect()
        assert (descriptors(), segments()) == before
        # What was deleted counts until the daemon hears that nobody holds it any more.
        assert within(10, lambda: held(store) <= still)
        assert [entry.name for entry in store.list(name)] == []


def test_memory_goes_without_the_garbage_collector(path: str, name: str) -> None:
    gc.disable()
    with sealbuf.connect(path) as store:
        store.put(bytes(1 << 20), name)
        store.get(name)
        before = segments()
        buffer = store.get(name)
        view = buffer.memoryview()
        assert segments() == before + 1
        del buffer, view
        assert segments() == before
        store.delete(name)


def test_a_store_leaves_nothing_behind(path: str, name: str) -> None:
    gc.collect()
    before = descriptors(), segments()
    for _ in range(20):
        with sealbuf.connect(path) as store:
            work(store, name)
    gc.collect()
    assert (descriptors(), segments()) == before
