"""How long the event loop is busy with others, at most, before it answers a ping.

    cd client-python/tests && python -m harness.stalls 10000000

A client fills the store with small buffers, lists them, deletes at random until every slab is
sparse, publishes among what is left, and deletes the rest. Beside it another one pings without a
pause. What counts is the CPU time of the daemon's loop between a ping and its answer, so that
nothing is blamed on the daemon which other processes did: tables that grow, pages of a listing,
slabs that are copied together and memory that goes back all happen on that thread, and each has to
come in slices. The thread that pings runs before all others when it may (SCHED_FIFO): while it
waits for a CPU with the answer at hand, the loop goes on to work for others.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from harness.bystander import overcommitment
from harness.daemon import Daemon, running
from harness.loop import LoopClock
from harness.public import remove_public_folder
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, worker

STALL_MAX = 0.020
"""Seconds of the loop's own CPU time."""

BATCH = 1000
RECORD_BYTES = 192
"""What a small buffer takes, its record included."""

WARM_UP = "warm up: "
WARM_UP_BUFFERS = 50_000

PHASES = ("grow", "list", "thin out", "publish among", "delete the rest")

Requests = Iterator[tuple[dict[str, Any], bytes]]


@dataclass(frozen=True)
class Stalls:
    """Of the pings during one phase, in seconds of the loop's CPU time."""

    phase: str
    seconds: float
    pings: int
    p99: float
    longest: float

    def check(self) -> None:
        """A CPU that is shared gets less done in its time, its caches being in others' use."""
        allowed = STALL_MAX * min(2.0, overcommitment())
        assert self.longest <= allowed, f"the loop was held up: allowed={allowed:.3f} {self}"

    def __str__(self) -> str:
        return (
            f"{self.phase}: {self.seconds:.1f} s, {self.pings} pings,"
            f" p99={self.p99 * 1e3:.2f} ms longest={self.longest * 1e3:.2f} ms"
        )


def name_of(number: int) -> str:
    return f"n{number:08}"


class Load:
    """The client that keeps the daemon busy; each phase is a method, told by its name."""

    def __init__(self, path: str, buffers: int, seed: int) -> None:
        self._client = RawClient.connect_here(path)
        self._client.hello().close()
        self._buffers = buffers
        self._order = list(range(buffers))
        random.Random(seed).shuffle(self._order)

    def run(self, phase: str) -> int:
        """How many buffers were touched."""
        work: dict[str, Callable[[], int]] = {
            "grow": lambda: self._put(range(self._buffers)),
            "list": self._list,
            "thin out": lambda: self._delete(self._order[: self._thinned]),
            "publish among": lambda: self._put(self._order[: self._thinned : 4]),
            "delete the rest": lambda: self._delete(
                self._order[self._thinned :] + self._order[: self._thinned : 4]
            ),
        }
        return work[phase]()

    @property
    def _thinned(self) -> int:
        return self._buffers * 9 // 10

    def _put(self, numbers: "range | list[int]") -> int:
        return self._tell("put_many", "published_many", numbers, self._batch_to_put)

    def _delete(self, numbers: list[int]) -> int:
        return self._tell("delete_many", "deleted_many", numbers, self._batch_to_delete)

    def _list(self) -> int:
        """Page for page, without keeping them."""
        page = self._client.expect("listing", "list", prefix="", limit=BATCH, cursor=0)
        listed: int = page["count"]
        while cursor := page["cursor"]:
            page = self._client.expect(
                "listing", "list", prefix="", limit=BATCH, cursor=cursor, until=page["until"]
            )
            listed += page["count"]
        return listed

    def _tell(self, op: str, answer: str, numbers: Any, batch: Any) -> int:
        remaining = iter(numbers)
        told = 0
        while some := list(islice(remaining, BATCH)):
            fields, payload = batch(some)
            self._client.expect(answer, op, payload, **fields).close()
            told += len(some)
        return told

    @staticmethod
    def _batch_to_put(numbers: list[int]) -> tuple[dict[str, int], bytes]:
        index = json.dumps([[name_of(number), 8] for number in numbers]).encode()
        bodies = b"".join(number.to_bytes(8, "little") for number in numbers)
        return {"count": len(numbers), "index_bytes": len(index)}, index + bodies

    @staticmethod
    def _batch_to_delete(numbers: list[int]) -> tuple[dict[str, int], bytes]:
        names = json.dumps([name_of(number) for number in numbers]).encode()
        return {"count": len(numbers)}, names


def work_on(path: str, buffers: int, seed: int, channel: Channel) -> None:
    client = Load(path, buffers, seed)
    first = Load(path, WARM_UP_BUFFERS, seed)
    channel.say("ready")
    while phase := channel.hear():
        load = first if phase.startswith(WARM_UP) else client
        channel.say(load.run(phase.removeprefix(WARM_UP)))


def stalls(daemon: Daemon, buffers: int, seed: int) -> Iterator[Stalls]:
    """Runs the phases in order on a daemon of its own, after all have run once on a small scale."""
    loop = LoopClock(daemon.pid)
    with ExitStack() as stack:
        busy = stack.enter_context(
            worker(partial(work_on, daemon.path, buffers, seed), Uid.PRODUCER)
        )
        pinger = stack.enter_context(daemon.open(Uid.READER))
        busy.expect("ready")
        for phase in PHASES:
            busy.say(f"{WARM_UP}{phase}")
            busy.hear()
        for phase in PHASES:
            start = time.monotonic()
            busy.say(phase)
            with before_all_others():
                times = list(pings_until_heard(busy, pinger, loop))
            told = busy.hear()
            assert told > 0, f"nothing was done: phase={phase}"
            times.sort()
            p99 = times[len(times) * 99 // 100]
            yield Stalls(phase, time.monotonic() - start, len(times), p99, times[-1])
        busy.say("")
        busy.finish()


@contextmanager
def before_all_others() -> Iterator[None]:
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        first = os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO))
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, first)
    except PermissionError:
        yield  # then figures are upper bounds
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def pings_until_heard(busy: Channel, pinger: RawClient, loop: LoopClock) -> Iterator[float]:
    while True:
        before = loop.seconds()
        pinger.expect("pong", "ping")
        yield loop.seconds() - before
        if busy.heard():
            return


def main(buffers: int) -> None:
    capacity = max(1 << 30, 3 * buffers * RECORD_BYTES)
    with running(capacity=str(capacity)) as daemon:
        found = []
        for phase in stalls(daemon, buffers, seed=1):
            sys.stdout.write(f"{phase}\n")
            sys.stdout.flush()
            found.append(phase)
    remove_public_folder()
    for phase in found:
        phase.check()


if __name__ == "__main__":
    main(int(sys.argv[1]))
