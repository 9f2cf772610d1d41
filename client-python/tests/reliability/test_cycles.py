"""Cycles of put, get and delete of every size leave everything as it was.

Invariant: what a buffer took is given back when it is deleted and no view is left: descriptors,
mappings, heap and shared memory of the daemon, and the client's own.
"""

import gc
import os
import random
from collections.abc import Callable
from functools import partial

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.process import counts
from harness.uids import Uid
from harness.workers import Channel, worker

CYCLES = 1_000_000
SMALL_CYCLES = 10_000
SIZE_MAX = 16 << 20
PIECE = 64
CLIENT_SLACK = 32 << 20


def random_size(rng: random.Random) -> int:
    """From 1 byte to SIZE_MAX, each power of two rarer than the one before it."""
    return max(1, int(SIZE_MAX ** (rng.random() ** 1.5)))


def cycle(store: sealbuf.Store, source: memoryview, rng: random.Random, number: int) -> None:
    name, nbytes = f"cycle/{number % 1000}", random_size(rng)
    data = source[number % PIECE :][:nbytes]
    if number % 4 == 0:
        with store.create(name, nbytes=nbytes) as writer:
            writer.memoryview()[:] = data
    elif number % 4 == 1:
        store.put_many({name: data, f"{name}/2": data[:PIECE]})
        store.delete(f"{name}/2")
    else:
        store.put(data, name)
    with_view = store.get(name).memoryview()
    assert with_view.nbytes == nbytes
    assert bytes(with_view[-PIECE:]) == bytes(data[-PIECE:])
    if number % 5 == 0:
        assert store.take(name) == with_view
    else:
        store.delete(name)


def run_cycles(path: str, cycles: int, seed: int, channel: Channel) -> None:
    rng = random.Random(seed)
    source = memoryview(os.urandom(1 << 20) * (SIZE_MAX >> 20) + bytes(PIECE))
    with sealbuf.connect(path, timeout=60) as store:
        for number in range(cycles // 20):
            cycle(store, source, rng, number)
        gc.collect()
        before = counts(os.getpid())
        for number in range(cycles):
            cycle(store, source, rng, number)
        gc.collect()
        after = counts(os.getpid())
    channel.say([before.__dict__, after.__dict__])


@pytest.mark.one_version
@pytest.mark.shows(31)
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("undisturbed")
def test_cycles_of_all_sizes_leave_nothing_behind(
    daemon: Daemon,
    rounds: Callable[..., int],
    rng: random.Random,
    measured: Callable[[str], None],
) -> None:
    cycles = rounds(CYCLES, small=SMALL_CYCLES)
    work = partial(run_cycles, daemon.path, cycles, rng.randrange(1 << 32))
    with worker(work, Uid.PRODUCER) as client:
        before, after = client.hear()
        client.finish()
    measured(f"cycles={cycles} client before={before} after={after}")
    assert after["rss_anon"] - before["rss_anon"] < CLIENT_SLACK
    for name in ("descriptors", "threads", "memfd_mappings"):
        assert after[name] <= before[name] + 1, f"{name}: before={before} after={after}"
