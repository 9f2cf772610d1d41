"""A reader that sleeps gives back what it does not look at, and keeps what it does.

Invariant: two seconds after everything was deleted, a client that has made no call since its last
get holds no segment that nothing leads to any more, but for those under its live views, which read
what they read.
"""

import gc
import os
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import sealbuf
from harness.bystander import within
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.process import memfd_inodes
from harness.producer import lend
from harness.raw import RawClient
from harness.uids import Uid
from harness.warming import warmed
from harness.workers import Channel, worker

pytestmark = [pytest.mark.several_uids, pytest.mark.usefixtures("undisturbed")]

SLABS = 6
SMALL, LARGE = 10_000, 300 << 10
NAMES = [f"asleep/{number}" for number in range(SLABS * (2 << 20) // SMALL)]
BIG = [f"asleep/large/{number}" for number in range(4)]
KEPT = (NAMES[0], NAMES[len(NAMES) // 2], BIG[0])
GIVEN_BACK_SECONDS = 2.0


def sleep_after_reading(path: str, channel: Channel) -> None:
    with sealbuf.connect(path, timeout=60) as store:
        channel.say("connected")
        channel.hear()
        for name in (*NAMES, *BIG):
            check(name, store.get(name).memoryview())
        views = {name: store.get(name).memoryview() for name in KEPT}
        channel.say("read")
        channel.hear()  # asleep
        for name, view in views.items():
            check(name, view)
        del view
        views.clear()
        gc.collect()
        channel.say("dropped")
        channel.hear()


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One of its own: all that is held is counted, and what other tests sent and nobody opened is
    held for a minute."""
    with warmed() as started:
        yield started


def held(observer: RawClient) -> int:
    number: int = observer.stats()["held"]
    return number


def holds_at_most(pid: int, segments: int) -> bool:
    return len(memfd_inodes(pid)) <= segments


def publish_all(producer: RawClient) -> None:
    puts = ((producer.head("put", name=name), marked(name, 1, SMALL)) for name in NAMES)
    assert {reply.kind for reply in producer.ask_all(puts)} == {"published"}
    for name in BIG:
        loan = lend(producer, name, LARGE)
        os.pwrite(loan.writable, marked(name, 1, LARGE), 0)
        loan.close()
        assert loan.seal().kind == "published"


def delete_all(producer: RawClient) -> None:
    deletes = ((producer.head("delete", name=name), b"") for name in (*NAMES, *BIG))
    assert {reply.kind for reply in producer.ask_all(deletes)} == {"deleted"}


def test_a_sleeping_reader_holds_what_it_views_and_nothing_else(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    for _ in range(rounds(10, small=2)):
        with (
            daemon.open(Uid.PRODUCER) as producer,
            worker(partial(sleep_after_reading, daemon.path), Uid.READER) as reader,
        ):
            reader.expect("connected")
            before = memfd_inodes(reader.pid)
            publish_all(producer)
            slabs = producer.stats()["slabs"]
            reader.say("read")
            reader.expect("read")
            assert len(memfd_inodes(reader.pid)) >= len(before) + SLABS

            delete_all(producer)
            # The slab that is being filled may stay.
            gives_back = partial(holds_at_most, reader.pid, len(before) + len(KEPT) + 1)
            assert within(GIVEN_BACK_SECONDS, gives_back), memfd_inodes(reader.pid)
            assert within(GIVEN_BACK_SECONDS, lambda: held(producer) == len(KEPT))
            assert producer.stats()["slabs"] < slabs

            reader.say("wake up")
            reader.expect("dropped")
            assert within(GIVEN_BACK_SECONDS, lambda: held(producer) == 0)
            reader.say("end")
            reader.finish()
