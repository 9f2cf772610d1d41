"""A producer that is killed leaves nothing: no memory, no name, and nothing half written to read.

Invariant: whatever step a producer dies at, what it had not published is freed within a second and
was never visible; what it had published is complete.
"""

import mmap
import os
import random
import select
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import sha256

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.producer import assert_soon_freed
from harness.raw import PATIENCE, PREFIX, RawClient, frame
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(34),
    pytest.mark.one_version,
    pytest.mark.usefixtures("undisturbed"),
]

SIZE = 300 << 10
NAME = "killed"
BLOCKS = 64

STEPS = (
    "connected",
    "half a hello sent",
    "welcomed",
    "half a create sent",
    "create sent",
    "lent",
    "mapped",
    "half written",
    "written",
    "descriptor closed",
    "read-only",
    "seal sent",
    "published",
)


def content(name: str, nbytes: int = SIZE) -> bytes:
    """What a buffer of that name has to hold."""
    return (sha256(name.encode()).digest() * (nbytes // 32 + 1))[:nbytes]


def steps(path: str) -> Iterator[str]:
    """Publishes one buffer; yields the name of each step when it has been done."""
    client = RawClient.connect_here(path)
    yield "connected"
    hello = frame(client.head("hello", namespace="default", client="killed/1"))
    client.send(hello[: PREFIX.size + 9])
    yield "half a hello sent"
    client.send(hello[PREFIX.size + 9 :])
    client.read().close()
    yield "welcomed"
    create = frame(client.head("create", name=NAME, nbytes=SIZE))
    client.send(create[: PREFIX.size])
    yield "half a create sent"
    client.send(create[PREFIX.size :])
    yield "create sent"
    lent = client.read()
    yield "lent"
    writable, readable = lent.descriptors
    mapped = mmap.mmap(writable, lent["segment_bytes"])
    yield "mapped"
    data = content(NAME)
    mapped[: SIZE // 2] = data[: SIZE // 2]
    yield "half written"
    mapped[SIZE // 2 : SIZE] = data[SIZE // 2 :]
    yield "written"
    os.close(writable)
    yield "descriptor closed"
    mapped.close()
    reading = mmap.mmap(readable, lent["segment_bytes"], prot=mmap.PROT_READ)
    yield "read-only"
    client.send(frame(client.head("seal", buffer=lent["buffer"])))
    yield "seal sent"
    client.read()
    yield "published"
    reading.close()


def produce_until(path: str, last: str, channel: Channel) -> None:
    for step in steps(path):
        if step == last:
            channel.say(step)
            channel.hear()


def produce_on(path: str, channel: Channel) -> None:
    """Publishes and deletes buffers of all kinds, one after the other, with the library."""
    with sealbuf.connect(path) as store:
        channel.say("connected")
        while True:
            store.put(content(f"{NAME}/small", 5000), f"{NAME}/small")
            with store.create(f"{NAME}/large", nbytes=SIZE) as writer:
                view = writer.memoryview()
                data = content(f"{NAME}/large")
                for at in range(0, SIZE, SIZE // BLOCKS):
                    view[at : at + SIZE // BLOCKS] = data[at : at + SIZE // BLOCKS]
                view.release()
            store.delete(f"{NAME}/small", f"{NAME}/large")


def visible(reader: RawClient, name: str, nbytes: int) -> bool:
    """Whether a name leads to a buffer, which then must be complete."""
    opened = reader.ask("open", name=name)
    if opened.kind == "not_found":
        return False
    assert opened.kind == "opened", opened.head
    if opened["segment"]:
        found = os.pread(opened.descriptors[1], nbytes, 0)
    else:
        slab = os.pread(opened.descriptors[0], opened["slab_bytes"], opened["record"])
        found = content(name, nbytes) if content(name, nbytes) in slab else slab[:nbytes]
    opened.close()
    assert found == content(name, nbytes), "something incomplete was published"
    return True


def clean(owner: RawClient, names: list[str]) -> None:
    for name in names:
        with suppress(ConnectionError):
            owner.ask("delete", name=name)


@pytest.mark.timeout(300)
def test_a_producer_may_be_killed_after_each_step(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    with (
        daemon.open(Uid.READER) as reader,
        daemon.open(Uid.READER) as waiter,
        daemon.open(Uid.DAEMON) as owner,
    ):
        for number in range(rounds(1000)):
            step = STEPS[number % len(STEPS)]
            may_be_seen = step in ("seal sent", "published")
            wait_for(waiter, NAME, PATIENCE)
            with worker(partial(produce_until, daemon.path, step), Uid.PRODUCER) as producer:
                producer.expect(step)
                assert may_be_seen or not visible(reader, NAME, SIZE)
                producer.kill()
                assert_soon_freed(reader, step)
            seen = visible(reader, NAME, SIZE)
            assert seen or step != "published"
            assert may_be_seen or not seen
            if not seen:
                assert not answered(waiter), "somebody waited for what never was"
                owner.expect("published", "put", b"in its place", name=NAME)
            opened = waiter.read()
            assert opened.kind == "opened", opened.head
            opened.close()
            owner.expect("deleted", "delete", name=NAME)


def wait_for(waiter: RawClient, name: str, seconds: float) -> None:
    waiter.send(frame(waiter.head("open", name=name, timeout=int(seconds * 1000))))


def answered(waiter: RawClient) -> bool:
    return bool(select.select([waiter.connection], [], [], 0)[0])


def test_who_waits_for_a_killed_producer_waits_until_the_deadline(daemon: Daemon) -> None:
    with daemon.open(Uid.READER) as waiter:
        with worker(partial(produce_until, daemon.path, "written"), Uid.PRODUCER) as producer:
            producer.expect("written")
            start = time.monotonic()
            wait_for(waiter, NAME, 1.0)
            producer.kill()
        assert waiter.read().kind == "timeout"
        assert time.monotonic() - start > 0.99


def test_a_producer_may_be_killed_at_any_moment(
    daemon: Daemon, rounds: Callable[..., int], rng: random.Random
) -> None:
    names = [f"{NAME}/small", f"{NAME}/large"]
    with daemon.open(Uid.READER) as reader, daemon.open(Uid.DAEMON) as owner:
        for _ in range(rounds(50, small=50)):
            with worker(partial(produce_on, daemon.path), Uid.PRODUCER) as producer:
                producer.expect("connected")
                time.sleep(rng.random() / 20)
                visible(reader, names[1], SIZE)
                producer.kill()
                assert_soon_freed(reader, "at random")
                visible(reader, names[0], 5000)
                visible(reader, names[1], SIZE)
                clean(owner, names)
