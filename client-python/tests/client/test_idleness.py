"""A reader that sleeps gives back what was retired, and keeps what it views."""

import gc
import os
import pickle
import threading
import time
from pathlib import Path

import pytest

import sealbuf
from client.test_waiting import LONG
from sealbuf import _idle as idle
from sealbuf import _tensor as tensor

SLABS = 6
COUNT, TIMES, BATCH = 1500, 1000, 50
"""Buffers of some 10 kB that fill so many slabs at least; the last one may stay open."""


def mapped() -> int:
    return Path("/proc/self/maps").read_text().count("/memfd:")


def wait_until_mapped(most: int) -> None:
    deadline = time.monotonic() + LONG
    while mapped() > most and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mapped() <= most, Path("/proc/self/maps").read_text()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sealbuf")]


def test_one_who_sleeps_lets_go_of_what_was_deleted(path: str, name: str) -> None:
    names = [f"{name}/{at}" for at in range(COUNT)]
    with sealbuf.connect(path) as reader, sealbuf.connect(path) as producer:
        for at in range(0, COUNT, BATCH):
            producer.put_many({each: each.encode() * TIMES for each in names[at : at + BATCH]})
        for each in names:
            assert reader.get(each)[:1] == each[:1].encode()
        held = reader.get(names[0]).memoryview()
        dedicated = producer.put(bytes(1 << 20), f"{name}/large")
        assert mapped() > SLABS
        producer.delete(*names, dedicated.name)
        del dedicated
        catalog, open_slab, viewed = 2, 2, 1  # of two stores
        wait_until_mapped(catalog + open_slab + viewed)
        assert held == names[0].encode() * TIMES
        del held
        wait_until_mapped(catalog + open_slab)


def test_a_slab_that_was_retired_before_its_handle_was_opened_is_let_go_of(
    path: str, name: str
) -> None:
    names = [f"{name}/{at}" for at in range(COUNT)]
    with sealbuf.connect(path) as store:
        start = int(store.stats()["held"])
        for at in range(0, COUNT, BATCH):
            store.put_many({each: each.encode() * TIMES for each in names[at : at + BATCH]})
        handles = [pickle.dumps(store.get(each)) for each in names[:2]]
        store.delete(*names)
        deadline = time.monotonic() + LONG
        while int(store.stats()["held"]) == start and time.monotonic() < deadline:
            time.sleep(0.05)
        assert int(store.stats()["held"]) > start, "the holds keep a slab without a name"
        first, second = map(pickle.loads, handles)
        assert first == names[0].encode() * TIMES
        assert second == names[1].encode() * TIMES
        before = mapped()
        del first, second
        assert mapped() < before
        while int(store.stats()["held"]) > start and time.monotonic() < deadline:
            time.sleep(0.05)
        assert int(store.stats()["held"]) == start


def test_there_is_one_thread_and_it_ends_with_the_last_store(path: str) -> None:
    assert threads() == []
    stores = [sealbuf.connect(path) for _ in range(5)]
    assert threads() == ["sealbuf-idle"]
    for store in stores:
        store.close()
    deadline = time.monotonic() + LONG
    while threads() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threads() == []
    with sealbuf.connect(path):
        assert threads() == ["sealbuf-idle"]


def test_a_tensor_that_is_made_while_the_thread_ends_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is made between the two looks, by one who still saw the thread."""
    thread, looks = threading.current_thread(), iter([0, 1])
    monkeypatch.setattr(idle, "_thread", thread)
    monkeypatch.setattr(tensor, "out", lambda: next(looks))
    assert not idle._nothing_left()
    assert idle._thread is thread


def test_the_thread_keeps_no_store_alive(path: str) -> None:
    sealbuf.connect(path)
    with pytest.warns(ResourceWarning, match="unclosed"):
        gc.collect()
    deadline = time.monotonic() + LONG
    while threads() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threads() == []
    assert mapped() == 0


def test_a_forked_child_has_its_own_thread_and_session(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"hello", name)
        store.get(name)
        watch = store.watch(name)
        pid = os.fork()
        if pid == 0:
            status = 9
            try:
                assert threads() == ["sealbuf-idle"]
                assert store.get(name) == b"hello"
                store.put(b"of the child", f"{name}/child")
                assert store.get(f"{name}/child", timeout=1) == b"of the child"
                assert next(watch).kind == "overflow"
                store.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert threads() == ["sealbuf-idle"]
        store.ping()
        assert next(watch).name == f"{name}/child"
        assert store.get(f"{name}/child") == b"of the child"
        store.delete(name, f"{name}/child")
