"""What the daemon says about who holds memory is what root sees in /proc.

Invariant: memory of a deleted buffer counts until nobody holds it any more, however the holder
ends; `holders` names each session that was handed the segment and says of a holder that no session
explains that there is one.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

import sealbuf
from harness.agent import agent
from harness.bystander import within
from harness.daemon import Daemon
from harness.process import memfd_inodes
from harness.producer import lend
from harness.raw import RawClient
from harness.uids import Uid
from harness.warming import warmed
from harness.workers import Channel, worker

pytestmark = [pytest.mark.several_uids, pytest.mark.usefixtures("undisturbed")]

SIZE = 64 << 20
NAME = "held"
RELEASED_SECONDS = 2.0
LIFETIME = 60


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One of its own: all that is held is counted, and what other tests sent and nobody opened is
    held for a minute."""
    with warmed() as started:
        yield started


@contextmanager
def large(producer: RawClient) -> Iterator[int]:
    """A published segment of 64 MiB; its inode. A producer of the daemon's own uid can be looked at
    and is seen to hold nothing; of any other the daemon has to say that it may."""
    loan = lend(producer, NAME, SIZE)
    os.pwrite(loan.writable, b"held", SIZE - 4)
    inode = os.fstat(loan.readable).st_ino
    loan.close()
    assert loan.seal().kind == "published"
    try:
        yield inode
    finally:
        producer.ask("delete", name=NAME)


def entries(observer: RawClient, **fields: Any) -> list[dict[str, Any]]:
    """What `holders` says of segments of their own."""
    found: list[dict[str, Any]] = []
    cursor = 0
    while True:
        page = observer.expect("holding", "holders", cursor=cursor, **fields)
        found += json.loads(page.payload)
        cursor = page["cursor"]
        if cursor == 0:
            return [entry for entry in found if entry["kind"] == "dedicated"]


def held_bytes(observer: RawClient) -> int:
    number: int = observer.stats()["held_bytes"]
    return number


def released(observer: RawClient) -> bool:
    return within(RELEASED_SECONDS, lambda: held_bytes(observer) == 0 and not entries(observer))


def view_on(path: str, channel: Channel) -> None:
    """Holds a view; on `close` closes the store, on `fork` makes a child that holds it too."""
    store = sealbuf.connect(path, timeout=60)
    view = store.get(NAME).memoryview()
    channel.say("viewing")
    while order := channel.hear():
        if order == "close":
            store.close()
            channel.say(0)
        elif order == "fork":
            child = os.fork()
            if child == 0:
                time.sleep(LIFETIME)
                os._exit(0)
            channel.say(child)
    assert bytes(view[-4:]) == b"held"


def holds(pid: int, inode: int) -> bool:
    """As root sees it."""
    return inode in memfd_inodes(pid)


@pytest.mark.shows(28)
def test_deleted_memory_counts_until_its_reader_is_killed(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    with daemon.open(Uid.PRODUCER) as producer:
        for _ in range(rounds(100)):
            used = producer.stats()["used"]
            with (
                large(producer) as inode,
                worker(partial(view_on, daemon.path), Uid.READER) as reader,
            ):
                reader.expect("viewing")
                (entry,) = [e for e in entries(producer, name=NAME) if e["pid"] == reader.pid]
                assert (entry["deleted"], entry["uid"], entry["name"]) == (False, Uid.READER, NAME)
                producer.expect("deleted", "delete", name=NAME)
                assert within(RELEASED_SECONDS, lambda: held_bytes(producer) == SIZE)
                assert producer.stats()["used"] >= used + SIZE
                (entry,) = [e for e in entries(producer) if e["pid"] == reader.pid]
                assert (entry["deleted"], entry["nbytes"]) == (True, SIZE)
                assert entry["state"] in ("mapped", "may hold")
                assert holds(reader.pid, inode)
                reader.kill()
                assert released(producer)


def test_a_forked_child_is_a_holder_whose_session_is_gone(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    with daemon.open(Uid.DAEMON) as producer:
        for _ in range(rounds(100)):
            with (
                large(producer) as inode,
                worker(partial(view_on, daemon.path), Uid.READER) as reader,
            ):
                reader.expect("viewing")
                reader.say("fork")
                child = reader.hear()
                try:
                    reader.kill()
                    producer.expect("deleted", "delete", name=NAME)
                    assert holds(child, inode)
                    assert within(RELEASED_SECONDS, lambda: states(producer) == {"gone"}), entries(
                        producer
                    )
                    assert held_bytes(producer) == SIZE
                finally:
                    os.kill(child, 9)
                assert released(producer)


def states(observer: RawClient) -> set[str]:
    return {entry["state"] for entry in entries(observer)}


def test_a_view_that_outlives_its_store_is_a_holder_whose_session_is_gone(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    with daemon.open(Uid.DAEMON) as producer:
        for _ in range(rounds(100)):
            with (
                large(producer) as inode,
                worker(partial(view_on, daemon.path), Uid.READER) as reader,
            ):
                reader.expect("viewing")
                reader.say("close")
                reader.expect(0)
                producer.expect("deleted", "delete", name=NAME)
                assert holds(reader.pid, inode)
                assert within(RELEASED_SECONDS, lambda: states(producer) == {"gone"}), entries(
                    producer
                )
                reader.say("")
                reader.finish()
                assert released(producer)


def test_a_holder_that_no_session_explains_is_listed_as_unknown(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    """A process that never spoke to the daemon was passed the descriptor by one that did."""
    with daemon.open(Uid.DAEMON) as producer, agent(Uid.ATTACKER) as stranger:
        for _ in range(rounds(100)):
            with large(producer) as inode:
                with daemon.open(Uid.DAEMON) as reader:
                    opened = reader.expect("opened", "open", name=NAME)
                    stranger.must("map_readable", opened.descriptors[-1])
                    opened.close()
                    producer.expect("deleted", "delete", name=NAME)
                    assert holds(stranger.process.pid, inode)
                    assert within(RELEASED_SECONDS, lambda: held_bytes(producer) == SIZE)
                    assert within(RELEASED_SECONDS, lambda: "unknown" in states(producer)), entries(
                        producer
                    )
                stranger.must("release")
                assert released(producer)
