"""Of a thousand clients that want the same name made, one makes it and the others get it.

Invariant: a reservation is given to exactly one; all others wait for what it publishes. If it dies
before it has published, exactly one of those who wait is next.
"""

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from harness.bystander import overcommitment
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.raw import RawClient, Reply, frame
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("many_descriptors", "undisturbed")]

HERD = 1000
NAME = "wanted"
SIZE = 300 << 10
WAIT_MILLIS = 60_000
ALL_SECONDS = 1.0
SUCCESSION_SECONDS = 2.0


@pytest.fixture
def herd(daemon: Daemon) -> Iterator[list[RawClient]]:
    """A thousand sessions."""
    with ExitStack() as stack:
        yield [stack.enter_context(daemon.open(Uid.PRODUCER)) for _ in range(HERD)]


def ask_for_it(client: RawClient) -> None:
    client.send(frame(client.head("reserve", name=NAME, timeout=WAIT_MILLIS)))


def only_one_answered(clients: list[RawClient]) -> tuple[RawClient, Reply]:
    """The one that got the reservation, when all requests have been taken in."""
    for client in clients:
        client.wait_until_taken()
    poll = select.poll()
    by_number = {client.connection.fileno(): client for client in clients}
    for number in by_number:
        poll.register(number, select.POLLIN)
    ready = poll.poll(SUCCESSION_SECONDS * 1000)
    assert len(ready) == 1, f"not one creator: answered={len(ready)}"
    creator = by_number[ready[0][0]]
    reply = creator.read()
    assert reply.kind == "reserved", reply.head
    return creator, reply


def make_it(creator: RawClient, reserved: Reply, number: int) -> None:
    fields = {"name": NAME, "nbytes": SIZE, "buffer": reserved["buffer"]}
    lent = creator.ask("create", **fields)
    assert lent.kind == "lent", lent.head
    os.pwrite(lent.descriptors[0], marked(NAME, number, SIZE), 0)
    lent.close()
    creator.expect("published", "seal", buffer=lent["buffer"])


def all_have_it(others: list[RawClient], number: int) -> None:
    """The same segment, mapped once to look at it."""
    places = set()
    for client in others:
        opened = client.read()
        assert opened.kind == "opened", opened.head
        places.add((opened["segment"], os.fstat(opened.descriptors[1]).st_ino))
        if client is others[0]:
            assert check(NAME, os.pread(opened.descriptors[1], SIZE, 0)) == number
        opened.close()
    assert len(places) == 1


@pytest.mark.one_version
def test_one_creates_and_all_others_get_it(
    daemon: Daemon, herd: list[RawClient], rounds: Callable[..., int]
) -> None:
    with daemon.open(Uid.PRODUCER) as owner:
        dedicated = owner.stats()["dedicated"]
        for number in range(rounds(10)):
            start = time.monotonic()
            for client in herd:
                ask_for_it(client)
            creator, reserved = only_one_answered(herd)
            make_it(creator, reserved, number)
            all_have_it([client for client in herd if client is not creator], number)
            seconds = time.monotonic() - start
            assert owner.stats()["dedicated"] == dedicated + 1
            owner.expect("deleted", "delete", name=NAME)
            assert seconds < ALL_SECONDS * overcommitment()


def reserve_and_stay(path: str, channel: Channel) -> None:
    client = RawClient.connect_here(path)
    client.hello().close()
    reserved = client.expect("reserved", "reserve", name=NAME)
    client.expect("lent", "create", name=NAME, nbytes=SIZE, buffer=reserved["buffer"])
    channel.say("reserved")
    channel.hear()


@pytest.mark.one_version
def test_when_the_creator_is_killed_exactly_one_other_is_next(
    daemon: Daemon, herd: list[RawClient], rounds: Callable[..., int]
) -> None:
    with daemon.open(Uid.PRODUCER) as owner:
        for number in range(rounds(10)):
            with worker(partial(reserve_and_stay, daemon.path), Uid.PRODUCER) as creator:
                creator.expect("reserved")
                for client in herd:
                    ask_for_it(client)
                for client in herd:
                    client.wait_until_taken()
                creator.kill()
                start = time.monotonic()
                successor, reserved = only_one_answered(herd)
                make_it(successor, reserved, number)
                all_have_it([client for client in herd if client is not successor], number)
                seconds = time.monotonic() - start
            owner.expect("deleted", "delete", name=NAME)
            assert seconds < SUCCESSION_SECONDS * overcommitment()
