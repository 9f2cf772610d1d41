"""A million small buffers: all are there, and when they are deleted so is their memory.

Invariant: the daemon's heap does not grow with the number of buffers; memory that deletions freed
is used before more is taken; when all are gone, slabs and tables have gone back to the system,
though readers are connected and asleep.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import sealbuf
from harness.bystander import within
from harness.daemon import Daemon, running
from harness.process import memfd_sizes
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = pytest.mark.one_version

BUFFERS = 1_000_000
SIZE = 1024
BATCH = 1000
HEAP = "-Xmx64m"
SLACK = 16 << 20
SLAB = 2 << 20
GONE_SECONDS = 2.0


def name_of(number: int) -> str:
    return f"small/{number:07}"


def content(number: int) -> bytes:
    return number.to_bytes(8, "little") * (SIZE // 8)


def publish(path: str, buffers: int, channel: Channel) -> None:
    """Half one by one, half in batches."""
    with sealbuf.connect(path, timeout=60) as store:
        for number in range(buffers // 2):
            store.put(content(number), name_of(number))
        for start in range(buffers // 2, buffers, BATCH):
            numbers = range(start, min(start + BATCH, buffers))
            store.put_many({name_of(number): content(number) for number in numbers})
        channel.say("published")
        while some := channel.hear():
            store.delete(*map(name_of, some))
            channel.say("deleted")


def read_all(path: str, buffers: int, seed: int, channel: Channel) -> None:
    numbers = list(range(buffers))
    random.Random(seed).shuffle(numbers)
    with sealbuf.connect(path, timeout=60) as store:
        for number in numbers:
            assert store.get(name_of(number)) == content(number)
        channel.say("compared")
        channel.hear()  # asleep


@pytest.fixture
def small_heap() -> Iterator[Daemon]:
    with running(capacity="4GiB", environment={"SEALBUF_JAVA_OPTS": HEAP}) as daemon:
        yield daemon


def delete(publisher: Channel, numbers: list[int]) -> None:
    for start in range(0, len(numbers), 10 * BATCH):
        publisher.say(numbers[start : start + 10 * BATCH])
        assert publisher.hear() == "deleted"


def shared_bytes(pids: list[int]) -> int:
    """What all of them together keep of shared memory."""
    sizes: dict[int, int] = {}
    for pid in pids:
        sizes |= memfd_sizes(pid)
    return sum(sizes.values())


@pytest.mark.several_uids
@pytest.mark.timeout(300)
def test_a_million_small_buffers_come_and_go(
    small_heap: Daemon,
    rounds: Callable[..., int],
    rng: random.Random,
    measured: Callable[[str], None],
) -> None:
    daemon, buffers = small_heap, rounds(BUFFERS)
    start = shared_bytes([daemon.pid])
    with worker(partial(publish, daemon.path, buffers), Uid.PRODUCER) as publisher:
        publisher.expect("published")
        with worker(
            partial(read_all, daemon.path, buffers, rng.randrange(1 << 32)), Uid.READER
        ) as reader:
            reader.expect("compared")
            pids = [daemon.pid, publisher.pid, reader.pid]
            full = shared_bytes(pids)
            numbers = list(range(buffers))
            rng.shuffle(numbers)
            delete(publisher, numbers[: buffers // 2])
            # While it is copied, a slab is there twice, for a moment. The processes are looked at
            # one after the other, so one that went meanwhile may count beside one that came.
            assert shared_bytes(pids) <= full + 2 * SLAB
            assert within(GONE_SECONDS, lambda: shared_bytes(pids) <= full)
            half = shared_bytes(pids)
            delete(publisher, numbers[buffers // 2 :])
            gone = within(GONE_SECONDS, lambda: shared_bytes(pids) <= start + SLACK)
            measured(f"buffers={buffers} {start=} {full=} {half=} left={shared_bytes(pids)}")
            assert gone, f"not given back: start={start} left={shared_bytes(pids)}"
            reader.say("wake up")
            reader.finish()
        publisher.say([])
        publisher.finish()
