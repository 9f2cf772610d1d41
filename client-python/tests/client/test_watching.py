"""Events: in order, with a replay, from other threads and through an event loop."""

import asyncio
import copy
import os
import pickle
import select
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

import sealbuf
from client.test_waiting import LONG, later
from harness.uids import Uid

Told = tuple[str, str]


def told(events: list[sealbuf.Event]) -> list[Told]:
    return [(event.kind, event.name) for event in events]


def some(watch: sealbuf.Watch, count: int) -> list[sealbuf.Event]:
    return [next(watch) for _ in range(count)]


def test_changes_are_told_in_order(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.watch(f"{name}/") as watch:
        assert repr(watch) == f"<sealbuf.Watch prefix='{name}/' open>"
        first = store.put(b"hello", f"{name}/a")
        store.put(b"", f"{name}-other")
        again = store.put(b"again", f"{name}/a", replace=True)
        store.put_many({f"{name}/b": b"", f"{name}/c": b""})
        store.take(f"{name}/b")
        store.delete(f"{name}/a", f"{name}/c", f"{name}-other")
        events = some(watch, 7)
        assert told(events) == [
            ("sealed", f"{name}/a"), ("sealed", f"{name}/a"),
            ("sealed", f"{name}/b"), ("sealed", f"{name}/c"),
            ("deleted", f"{name}/b"), ("deleted", f"{name}/a"), ("deleted", f"{name}/c"),
        ]  # fmt: skip
        assert [event.version for event in events[:2]] == [first.version, again.version]
        assert (events[0].nbytes, events[0].owner) == (5, os.getuid())
        assert events[0].created == first.created <= datetime.now(UTC)
        assert watch.ready() == []


def test_a_replay_tells_what_is_there_and_then_goes_on(path: str, name: str) -> None:
    names = [f"{name}/{at}" for at in range(2500)]
    with sealbuf.connect(path) as store:
        for at in range(0, len(names), 500):
            store.put_many(dict.fromkeys(names[at : at + 500], b""))
        with store.watch(name, replay=True) as watch:
            store.put(b"", f"{name}/later")
            events = some(watch, len(names) + 1)
            assert {event.kind for event in events} == {"sealed"}
            assert {event.name for event in events} == {*names, f"{name}/later"}
        store.delete(*names, f"{name}/later")


def test_an_event_is_waited_for(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.watch(name) as watch:
        with later(lambda: store.put(b"", name)):
            assert told([next(watch)]) == [("sealed", name)]
        store.delete(name)


def test_a_slow_watcher_is_told_that_it_missed_something(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.watch(name) as watch:
        for number in range(15):
            batch = {f"{name}/{number}/{at}": b"" for at in range(1000)}
            store.put_many(batch)
            store.delete(*batch)
        last = store.put(b"", f"{name}/last")
        events = [next(watch)]
        while events[-1].kind != "overflow":
            events.append(next(watch))
        overflow = events[-1]
        assert (overflow.name, overflow.nbytes, overflow.owner) == ("", 0, 0)
        assert overflow.version <= last.version
        assert f"{name}/last" in store
        store.put(b"", f"{name}/after")
        while events[-1].name != f"{name}/after":
            events.append(next(watch))
        store.delete(f"{name}/last", f"{name}/after")


def test_a_descriptor_tells_when_something_is_ready(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.watch(name) as watch:
        assert watch.ready() == []
        assert select.select([watch], [], [], 0)[0] == []
        store.put(b"", name)
        store.delete(name)
        events: list[sealbuf.Event] = []
        while len(events) < 2:
            assert select.select([watch], [], [], LONG)[0] == [watch]
            events += watch.ready()
        assert told(events) == [("sealed", name), ("deleted", name)]
        assert select.select([watch], [], [], 0)[0] == []


def test_an_event_loop_watches(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.watch(name) as watch:

        async def first() -> list[Told]:
            loop, arrived = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(watch.fileno(), arrived.set)
            loop.call_later(0.05, store.put, b"", name)
            await asyncio.wait_for(arrived.wait(), LONG)
            loop.remove_reader(watch.fileno())
            return told(watch.ready())

        assert asyncio.run(first()) == [("sealed", name)]
        store.delete(name)


def test_close_ends_an_iteration_in_another_thread(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        for close in (lambda watch: watch.close(), lambda _: store.close()):
            watch, seen = store.watch(name), list[sealbuf.Event]()
            iterating = threading.Thread(target=lambda w, s: s.extend(w), args=(watch, seen))
            iterating.start()
            time.sleep(0.1)
            close(watch)
            iterating.join(LONG)
            assert not iterating.is_alive()
            assert seen == []
            assert watch.ready() == list(watch) == []
            with pytest.raises(sealbuf.Closed) as caught:
                watch.fileno()
            assert caught.value.message == f"watch is closed: prefix={name}"
            watch.close()


def test_ctrl_c_interrupts_an_iteration_that_goes_on_later(path: str, name: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    with sealbuf.connect(path) as store, store.watch(name) as watch:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            next(watch)
        store.put(b"", name)
        assert told([next(watch)]) == [("sealed", name)]
        store.delete(name)


def test_a_watch_leaves_nothing_behind(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.watch(name).close()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
        for _ in range(20):
            with store.watch(name) as watch:
                watch.ready()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize("prefix", ["x" * 256, "a\n"])
def test_a_prefix_is_checked(path: str, prefix: str) -> None:
    with sealbuf.connect(path) as store, pytest.raises(sealbuf.InvalidName):
        store.watch(prefix)


@pytest.mark.several_uids
@pytest.mark.uid(Uid.READER)
def test_whoever_may_read_may_watch(path: str, foreign: str) -> None:
    with sealbuf.connect(path) as store, store.watch(foreign, replay=True) as watch:
        assert told([next(watch)]) == [("sealed", foreign)]


@pytest.mark.parametrize("duplicate", [copy.copy, pickle.dumps])
def test_there_is_one_watch_of_a_session(
    path: str, name: str, duplicate: Callable[[object], object]
) -> None:
    with sealbuf.connect(path) as store, store.watch(name) as watch:
        with pytest.raises(TypeError) as caught:
            duplicate(watch)
        assert str(caught.value) == (
            f"a watch cannot be copied or pickled; send the Store, and watch there: prefix={name}"
        )
