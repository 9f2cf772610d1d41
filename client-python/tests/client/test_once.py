"""get_or_create: exactly one creator of a name, whatever happens to it."""

import os
import signal
import threading
import time

import pytest

import sealbuf
from client.test_waiting import LONG, in_threads, later

LARGE = 1 << 20


@pytest.mark.parametrize("nbytes", [0, 5, LARGE])
def test_who_comes_first_creates_and_the_others_get(path: str, name: str, nbytes: int) -> None:
    data = os.urandom(nbytes)
    with sealbuf.connect(path) as store, sealbuf.connect(path) as other:
        created = store.get_or_create(name, lambda: data)
        assert created == data
        assert (created.name, created.nbytes) == (name, nbytes)
        for each in (store, other):
            assert each.get_or_create(name, pytest.fail) == data
        store.delete(name)


@pytest.mark.parametrize("nbytes", [100, LARGE])
def test_of_many_threads_one_creates(path: str, name: str, nbytes: int) -> None:
    calls: list[int] = []

    def slowly(number: int) -> bytes:
        calls.append(number)
        time.sleep(0.2)
        return bytes([number]) * nbytes

    with sealbuf.connect(path) as store:
        got = in_threads(
            lambda number: store.get_or_create(name, lambda: slowly(number)).to_bytes(), 16
        )
        assert len(calls) == 1
        assert got == [bytes(calls) * nbytes] * 16
        store.delete(name)


def test_of_many_processes_one_creates_and_a_killed_one_is_followed(path: str, name: str) -> None:
    """Each process that calls its factory says so; the first one is killed in the middle of it."""
    reading, writing = os.pipe()

    def work() -> None:
        def factory() -> bytes:
            os.write(writing, os.getpid().to_bytes(4, "little"))
            time.sleep(0.5 if os.getpid() != first else LONG)
            return b"made by %d" % os.getpid()

        first = -1
        with sealbuf.connect(path) as store:
            made = store.get_or_create(name, factory, timeout=LONG).to_bytes()
            os._exit(0 if made.startswith(b"made by ") else 1)

    children = {}
    for _ in range(12):
        pid = os.fork()
        if pid == 0:
            try:
                work()
            finally:
                os._exit(9)
        children[pid] = pid
    first = int.from_bytes(os.read(reading, 4), "little")
    os.kill(first, signal.SIGKILL)
    second = int.from_bytes(os.read(reading, 4), "little")
    statuses = {pid: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
    assert statuses.pop(first) == -signal.SIGKILL
    assert set(statuses.values()) == {0}
    with sealbuf.connect(path) as store:
        assert store.get(name) == b"made by %d" % second
        store.delete(name)
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError):
        os.read(reading, 4)


def test_a_factory_that_raises_gives_the_name_back(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with pytest.raises(ZeroDivisionError):
            store.get_or_create(name, lambda: bytes(1 // 0))
        with pytest.raises(TypeError):
            store.get_or_create(name, lambda: "text")  # type: ignore[arg-type,return-value]
        assert name not in store
        store.put(b"free", name)
        store.delete(name)


def test_the_next_who_waits_follows_a_factory_that_raised(path: str, name: str) -> None:
    started = threading.Event()

    def fail() -> bytes:
        started.set()
        time.sleep(0.2)
        raise ValueError("no data today")

    def create(number: int) -> bytes:
        if number:
            started.wait()
        return store.get_or_create(name, lambda: b"second" if number else fail()).to_bytes()

    with sealbuf.connect(path) as store:
        outcomes = in_threads(create, 2)
        assert sorted(map(repr, outcomes)) == ["ValueError('no data today')", repr(b"second")]
        store.delete(name)


def test_a_creator_that_takes_too_long_is_a_timeout_for_the_others(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path, timeout=0.2) as other:

        def slowly() -> bytes:
            for timeout in (None, 0.05):
                with pytest.raises(sealbuf.Timeout):
                    other.get_or_create(name, pytest.fail, timeout=timeout)
            return b"at last"

        assert store.get_or_create(name, slowly) == b"at last"
        store.delete(name)


def test_who_waits_for_the_name_gets_what_was_created(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with later(lambda: store.get_or_create(name, lambda: b"made")):
            assert store.get(name, LONG) == b"made"
        store.delete(name)


def test_a_factory_may_use_the_store(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"source", f"{name}/source")

        def derive() -> bytes:
            return (
                store.get(f"{name}/source").to_bytes()
                + store.get_or_create(f"{name}/other", lambda: b", and more").to_bytes()
            )

        assert store.get_or_create(name, derive) == b"source, and more"
        store.delete(name, f"{name}/source", f"{name}/other")


def test_a_name_that_is_written_by_somebody_is_waited_for(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, nbytes=2)
        writer.memoryview()[:] = b"hi"
        with later(writer.seal):
            assert store.get_or_create(name, pytest.fail) == b"hi"
        store.delete(name)
