"""Of a thousand clients that want the same name made, one makes it and the others get it.

Invariant: a reservation is given to exactly one; all others wait for what it publishes. If it dies
before it has published, exactly one of those who wait is next.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

import sealbuf
from harness.bystander import overcommitment
from harness.counters import Counters
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.raw import RawClient, Reply, frame
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(25),
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("many_descriptors", "undisturbed"),
]

HERD = 1000
NAME = "wanted"
SIZE = 300 << 10
WAIT_MILLIS = 60_000
ALL_SECONDS = 1.0
SUCCESSION_SECONDS = 2.0
PROCESSES, THREADS = 10, 10


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
    daemon: Daemon,
    herd: list[RawClient],
    rounds: Callable[..., int],
    measured: Callable[[str], None],
) -> None:
    with daemon.open(Uid.PRODUCER) as owner:
        dedicated, slowest = owner.stats()["dedicated"], 0.0
        for number in range(rounds(10)):
            start = time.monotonic()
            for client in herd:
                ask_for_it(client)
            creator, reserved = only_one_answered(herd)
            make_it(creator, reserved, number)
            all_have_it([client for client in herd if client is not creator], number)
            seconds = time.monotonic() - start
            slowest = max(slowest, seconds)
            assert owner.stats()["dedicated"] == dedicated + 1
            owner.expect("deleted", "delete", name=NAME)
            assert seconds < ALL_SECONDS * overcommitment()
    measured(f"clients={HERD} slowest round={slowest:.3f} s")


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


def get_or_create(path: str, created: Counters, process: int, channel: Channel) -> None:
    """Many threads, each a client of its own, all at the same moment."""
    seen: list[int] = []

    def one(thread: int) -> None:
        def make() -> bytes:
            created[process * THREADS + thread] += 1
            time.sleep(0.05)
            return marked(NAME, 1, SIZE)

        with sealbuf.connect(path, timeout=30) as store:
            gate.wait()
            seen.append(check(NAME, store.get_or_create(NAME, make).memoryview()))

    gate = threading.Barrier(THREADS + 1)
    threads = [threading.Thread(target=one, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    channel.say("ready")
    channel.hear()
    gate.wait()
    for thread in threads:
        thread.join()
    channel.say(seen)


def test_the_factory_runs_once_however_many_processes_and_threads_ask(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    for _ in range(rounds(10, small=1)):
        created = Counters(PROCESSES * THREADS)
        with ExitStack() as stack:
            work = [partial(get_or_create, daemon.path, created, n) for n in range(PROCESSES)]
            clients = [stack.enter_context(worker(each, Uid.PRODUCER)) for each in work]
            for client in clients:
                client.expect("ready")
            for client in clients:
                client.say("go")
            for client in clients:
                client.expect([1] * THREADS)
                client.finish()
        assert created.total() == 1
        with daemon.open(Uid.PRODUCER) as owner:
            owner.expect("deleted", "delete", name=NAME)
