"""Waiting for a name: get, take and newer versions, beside other threads that do not wait."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

import sealbuf

T = TypeVar("T")

SOON = 0.1
"""Seconds after which something is published that somebody waits for."""
LONG = 30.0


@contextmanager
def later(work: Callable[[], object], seconds: float = SOON) -> Iterator[None]:
    timer = threading.Timer(seconds, work)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def in_threads(work: Callable[[int], T], count: int) -> list[T | BaseException]:
    """What `work` returns or raises in each of so many threads."""
    outcomes: list[T | BaseException] = []

    def note(number: int) -> None:
        try:
            outcomes.append(work(number))
        except BaseException as error:  # noqa: BLE001 - judged by the test
            outcomes.append(error)

    threads = [threading.Thread(target=note, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("nbytes", [5, 1 << 20])
def test_a_get_waits_for_its_name(path: str, name: str, nbytes: int) -> None:
    data = os.urandom(nbytes)
    with sealbuf.connect(path) as store, sealbuf.connect(path) as producer:
        with later(lambda: producer.put(data, name)):
            assert store.get(name, timeout=LONG) == data
        assert store.get(name, timeout=0) == data
        assert store.get(name, timeout=math.inf) == data
        producer.delete(name)


def test_a_name_that_does_not_come_is_a_timeout(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        for timeout in (0, 0.2):
            start = time.monotonic()
            with pytest.raises(sealbuf.Timeout) as caught:
                store.get(name, timeout)
            assert timeout <= time.monotonic() - start < LONG
            assert caught.value.message.startswith(
                f"the wait for a name ended without it: name={name} waited_ms="
            )
        with pytest.raises(TimeoutError):
            store.take(name, timeout=0.01)


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan, -math.inf])
def test_a_timeout_is_a_number_of_seconds(path: str, name: str, timeout: float) -> None:
    with sealbuf.connect(path) as store:
        for call in (
            lambda: store.get(name, timeout),
            lambda: store.take(name, timeout),
            lambda: store.get_many([name], timeout),
            lambda: store.put(b"", name, timeout=timeout),
            lambda: store.get_or_create(name, bytes, timeout=timeout),
        ):
            with pytest.raises(sealbuf.InvalidRequest) as caught:
                call()
            assert caught.value.message == f"timeout out of bounds: timeout={timeout} min=0"


def test_who_waits_keeps_no_other_thread_waiting(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        waiting = threading.Thread(target=store.get, args=(f"{name}/last", LONG))
        waiting.start()
        for number in range(200):
            store.put(b"1", f"{name}/{number}")
            assert store.get(f"{name}/{number}") == b"1"
        store.delete(*(f"{name}/{number}" for number in range(200)))
        assert waiting.is_alive()
        store.put(b"", f"{name}/last")
        waiting.join()
        store.delete(f"{name}/last")


def test_many_threads_wait_at_once(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, later(lambda: store.put(b"hello", name)):
        got = in_threads(lambda _: store.get(name, LONG).to_bytes(), 32)
        assert got == [b"hello"] * 32
        store.delete(name)


def test_a_newer_version_is_waited_for(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        first = store.put(b"1", name)
        assert store.get(name, newer_than=first.version - 1) == b"1"
        with pytest.raises(sealbuf.NotFound) as caught:
            store.get(name, newer_than=first.version)
        assert caught.value.message == (f"no such buffer: name={name} newer_than={first.version}")
        with later(lambda: store.put(b"2", name, replace=True)):
            assert store.get(name, LONG, newer_than=first.version) == b"2"
        with pytest.raises(sealbuf.Timeout):
            store.get(name, SOON, newer_than=store.get(name).version)
        store.delete(name)


def test_a_version_that_this_daemon_has_not_reached_is_an_older_daemons(
    path: str, name: str
) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"1", name)
        assert store.get(name, newer_than=2**52) == b"1"
        assert store.get(name, timeout=1, newer_than=2**52) == b"1"
        store.delete(name)
        with pytest.raises(sealbuf.NotFound):
            store.get(name, newer_than=2**52)


@pytest.mark.parametrize("nbytes", [5, 1 << 20])
def test_take_gets_and_deletes(path: str, name: str, nbytes: int) -> None:
    data = os.urandom(nbytes)
    with sealbuf.connect(path) as store:
        store.put(data, name)
        taken = store.take(name)
        assert name not in store
        assert (taken.name, taken.to_bytes()) == (name, data)
        with pytest.raises(sealbuf.NotFound):
            store.take(name)
        with later(lambda: store.put(data, name)):
            assert store.take(name, LONG) == data
        assert name not in store


def test_of_all_who_take_exactly_one_gets_the_buffer(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        items = 50
        for number in range(items):
            store.put(str(number).encode(), f"{name}/{number}")

        def take_all(_: int) -> list[bytes]:
            found = []
            for number in range(items):
                try:
                    found.append(store.take(f"{name}/{number}").to_bytes())
                except sealbuf.NotFound:
                    continue
            return found

        outcomes = in_threads(take_all, 6)
        taken = [item for each in outcomes if isinstance(each, list) for item in each]
        assert sorted(map(int, taken)) == list(range(items))


def test_waiting_takers_share_what_is_put(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:

        def produce() -> None:
            for number in range(8):
                while True:
                    try:
                        store.put(str(number).encode(), name)
                    except sealbuf.AlreadyExists:
                        time.sleep(0.001)
                    else:
                        break

        with later(produce):
            taken = in_threads(lambda _: store.take(name, LONG).to_bytes(), 8)
        assert sorted(map(str, taken)) == [str(str(number).encode()) for number in range(8)]


def test_get_many_waits_for_the_last(path: str, name: str) -> None:
    names = [f"{name}/{part}" for part in "cab"]
    with sealbuf.connect(path) as store:
        store.put(b"c", names[0])
        with pytest.raises(sealbuf.NotFound) as caught:
            store.get_many(names)
        assert caught.value.message == f"no such buffer: name={names[1]}"
        with pytest.raises(sealbuf.Timeout):
            store.get_many(names, timeout=0.05)
        with later(lambda: [store.put(each[-1].encode(), each) for each in names[1:]]):
            found = store.get_many(iter(names), timeout=LONG)
        assert list(found) == names
        assert [buffer.to_bytes() for buffer in found.values()] == [b"c", b"a", b"b"]
        assert store.get_many([]) == {}
        store.delete(*names)


def test_ctrl_c_ends_the_wait_at_once_and_the_store_goes_on(path: str, name: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    with sealbuf.connect(path) as store:
        for wait in (store.get, store.take):
            start = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                wait(name, LONG)
            assert time.monotonic() - start < LONG / 2
        store.put(b"hello", name)
        assert store.get(name, LONG) == b"hello", "the take that was interrupted is over"
        store.delete(name)


def test_signals_do_not_prolong_a_wait(path: str, name: str) -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    with sealbuf.connect(path) as store:
        start = time.monotonic()
        with pytest.raises(sealbuf.Timeout):
            store.get(name, 0.5)
        assert time.monotonic() - start < LONG / 2
    signal.setitimer(signal.ITIMER_REAL, 0)


def test_close_ends_the_waits_of_other_threads(path: str, name: str) -> None:
    store = sealbuf.connect(path)
    closing = threading.Timer(0.3, store.close)
    closing.start()
    outcomes = in_threads(lambda _: store.get(name, LONG), 4)
    closing.join()
    assert [type(outcome) for outcome in outcomes] == [sealbuf.Closed] * 4


def test_sessions_for_waiting_are_few_and_go_with_the_store(path: str, name: str) -> None:
    with sealbuf.connect(path) as other:
        before = int(other.stats()["sessions"])
        store = sealbuf.connect(path)
        for _ in range(3):
            in_threads(lambda _: store.get(name, 0.05), 12)
        assert int(other.stats()["sessions"]) <= before + 1 + 4 + 2
        store.close()
        deadline = time.monotonic() + LONG
        while int(other.stats()["sessions"]) > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert int(other.stats()["sessions"]) == before
