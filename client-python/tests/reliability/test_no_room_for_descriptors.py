"""A client that has no room for the descriptors of a reply is told so, and later gets what it asks.

Invariant: a reply whose descriptors were lost on the way (MSG_CTRUNC) never passes for another, nor
another's descriptor for its own; no call hangs, and with room again the same store goes on. Without
room for a socket it is the system's own error.
"""

import errno
import gc
import os
import random
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.producer import published
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(17),
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("undisturbed"),
]

SIZE = 300 << 10
NAMES = [f"room/{number}" for number in range(10)]
LIMIT = 64
FULL_SHARE = 0.3


def fill() -> list[int]:
    """Every number that is left."""
    filler = []
    try:
        while True:
            filler.append(os.dup(2))
    except OSError:
        return filler


def get_with_and_without_room(path: str, times: int, seed: int, channel: Channel) -> None:
    rng, outcomes = random.Random(seed), Counter[str]()
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    with sealbuf.connect(path, timeout=10) as store:
        for _ in range(times):
            name = rng.choice(NAMES)
            filler = fill() if rng.random() < FULL_SHARE else []
            for _ in range(rng.randint(0, 1) if filler else 0):
                os.close(filler.pop())
            try:
                check(name, store.get(name).memoryview())
                outcomes["got"] += 1
            except sealbuf.Error as error:
                outcomes[type(error).__name__ if filler else f"with room: {error!r}"] += 1
            except OSError as error:
                outcomes[errno.errorcode[error.errno or 0]] += 1
            for number in filler:
                os.close(number)
            if rng.random() < 0.1:
                gc.collect()
    channel.say(outcomes)


def test_lost_descriptors_are_an_error_and_never_anothers(
    daemon: Daemon,
    rounds: Callable[..., int],
    rng: random.Random,
    measured: Callable[[str], None],
) -> None:
    times = rounds(10_000)
    with daemon.open(Uid.PRODUCER) as producer, ExitStack() as stack:
        for number, name in enumerate(NAMES):
            stack.enter_context(published(producer, name, marked(name, number, SIZE)))
        work = partial(get_with_and_without_room, daemon.path, times, rng.randrange(1 << 32))
        with worker(work, Uid.READER) as reader:
            outcomes = reader.hear()
            reader.finish()
    measured(f"{outcomes}")
    assert {"got"} < set(outcomes) <= {"got", "ProtocolError", "TooManyMappings", "EMFILE"}
    assert sum(outcomes.values()) == times
