"""Clients live through the death of their daemon: what they view stays, what they ask is answered
anew.

Invariant: every view reads what it read, whoever serves now; once a daemon is dead its content is
in no answer any more; within a second of the next daemon's start the same stores get, put and list
again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

import sealbuf
from harness.bystander import overcommitment
from harness.counters import Counters
from harness.daemon import Daemon, socket_folder
from harness.marked import check, marked
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.shows(40), pytest.mark.one_version, pytest.mark.timeout(180)]

READERS = 8
NAMES = [f"again/{number}" for number in range(20)]
SMALL, LARGE = 500, 300 << 10
GETS = 10_000
BACK_SECONDS = 1.0
CALL_SECONDS = 0.5

DEAD, READY = 0, 1
"""On the board: the last daemon that is known to be dead, the last one that is known to serve."""


def content(name: str, generation: int) -> bytes:
    return marked(name, generation, LARGE if name.endswith("7") else SMALL)


def read_through(
    path: str, board: Counters, counts: Counters, reader: int, channel: Channel
) -> None:
    """Gets all the time; keeps a view of each name and daemon. Says how late it had an answer."""
    views: dict[tuple[str, int], memoryview] = {}
    back: dict[int, float] = {}
    with sealbuf.connect(path, timeout=CALL_SECONDS) as store:
        channel.say("reading")
        while not channel.told():
            for name in NAMES:
                dead, ready = board[DEAD], board[READY]
                try:
                    view = store.get(name).memoryview()
                except sealbuf.NotFound:
                    seen = None
                except (sealbuf.Disconnected, sealbuf.Timeout):
                    continue
                else:
                    seen = check(name, view)
                    views.setdefault((name, seen), view)
                    assert seen > dead, f"the content of a dead daemon: {name=} {seen=} {dead=}"
                if ready > dead:
                    back.setdefault(ready, time.monotonic())
                counts[reader] += 1
        for (name, generation), view in views.items():
            assert check(name, view) == generation
        channel.say([back, len({generation for _, generation in views})])


def write_through(path: str, channel: Channel) -> None:
    """Publishes all names for each daemon with one and the same store, when told to."""
    unfinished: list[sealbuf.Writer] = []
    with sealbuf.connect(path, timeout=10) as store:
        channel.say("connected")
        while generation := channel.hear():
            for writer in unfinished:
                with pytest.raises(sealbuf.Disconnected):
                    writer.seal()
            assert store.list("again/") == []
            for name in NAMES:
                store.put(content(name, generation), name)
            unfinished = [store.create(nbytes=100)]
            channel.say(sorted(entry.name for entry in store.list("again/")))


class Served:
    """One path, at which daemons follow one another."""

    def __init__(self) -> None:
        self.path = socket_folder() / "sealbuf.sock"
        self.board, self.gets = Counters(2), Counters(READERS)
        self.ready: dict[int, float] = {}
        self.daemon: Daemon | None = None

    def start(self) -> int:
        self.daemon = Daemon(self.path)
        self.daemon.wait_until_ready()
        generation = self.board[READY] + 1
        self.ready[generation] = time.monotonic()
        self.board[READY] = generation
        return generation

    def end(self, *, kill: bool) -> None:
        if self.daemon is not None and self.daemon.alive():
            if kill:
                self.daemon.kill()
            else:
                self.daemon.stop()
            self.board[DEAD] = self.board[READY]


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    try:
        yield served
    finally:
        served.end(kill=True)


def test_readers_and_writers_live_through_restarts(
    served: Served, rounds: Callable[..., int], measured: Callable[[str], None]
) -> None:
    restarts = rounds(10, small=3)
    path = str(served.path)
    with ExitStack() as stack:
        served.start()
        writer = stack.enter_context(worker(partial(write_through, path), Uid.PRODUCER))
        writer.expect("connected")
        works = [partial(read_through, path, served.board, served.gets, n) for n in range(READERS)]
        readers = [stack.enter_context(worker(work, Uid.READER)) for work in works]
        for reader in readers:
            reader.expect("reading")
        for number in range(restarts):
            generation = served.start() if number else 1
            writer.say(generation)
            writer.expect(sorted(NAMES))
            enough = served.gets.total() + GETS // restarts
            while served.gets.total() < enough:
                assert not [reader for reader in readers if reader.heard()], "a reader failed"
                time.sleep(0.01)
            served.end(kill=number % 2 == 0)
        for reader in readers:
            reader.say("stop")
        slowest = 0.0
        for reader in readers:
            back, generations = reader.hear()
            reader.finish()
            assert generations == restarts
            for generation in range(2, restarts + 1):
                late = back[str(generation)] - served.ready[generation]
                slowest = max(slowest, late)
                assert late < BACK_SECONDS * overcommitment(), f"not back in time: {late=}"
        writer.say(0)
        writer.finish()
    measured(f"{restarts=} gets={served.gets.total()} back after={slowest:.3f} s")
