"""A daemon that is asked to stop answers what it was asked, says goodbye to all, and is gone soon.

Invariant: whoever is connected is told; a request that the daemon took is answered before the
goodbye; process, socket and lock are gone within five seconds, or one when the signal comes twice.
"""

import random
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from harness.bystander import overcommitment
from harness.daemon import Daemon
from harness.raw import RawClient, frame
from harness.uids import Uid

pytestmark = [
    pytest.mark.shows(39),
    pytest.mark.one_version,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("many_descriptors"),
]

CLIENTS = 1000
TWICE_SECONDS = 1.0
UIDS = tuple(Uid)

GOODBYE = {"reply": "error", "seq": 0, "code": "disconnected", "message": "the daemon stops"}

Start = Callable[..., AbstractContextManager[Daemon]]


def connected(daemon: Daemon, stack: ExitStack) -> list[RawClient]:
    return [stack.enter_context(daemon.open(UIDS[number % len(UIDS)])) for number in range(CLIENTS)]


def test_a_thousand_clients_are_answered_and_told(fresh_daemon: Start) -> None:
    with fresh_daemon() as daemon, ExitStack() as stack:
        clients = connected(daemon, stack)
        for number, client in enumerate(clients):
            # One in three is idle, one has asked, one is in the middle of a frame.
            ping = frame(client.head("ping"))
            client.send([b"", ping, ping[:-1]][number % 3])
        for client in clients:
            client.wait_until_taken()
        daemon.stop()
        for number, client in enumerate(clients):
            *answers, last = client.read_to_end()
            assert last.head == GOODBYE
            assert [reply.kind for reply in answers] == ["pong"] * (number % 3 == 1)
        assert list(daemon.socket.parent.iterdir()) == []


def test_a_request_under_way_is_answered_or_ended_by_the_goodbye(fresh_daemon: Start) -> None:
    """Requests that come while the daemon stops: each has its answer, or nothing behind the end."""
    with fresh_daemon() as daemon, ExitStack() as stack:
        clients = connected(daemon, stack)[: CLIENTS // 10]
        pings = [b"".join(frame(client.head("ping")) for _ in range(50)) for client in clients]
        daemon.process.send_signal(signal.SIGTERM)
        for client, ping in zip(clients, pings, strict=True):
            try:
                client.send(ping)
            except (BrokenPipeError, ConnectionResetError):
                continue
        for client in clients:
            replies = client.read_to_end()
            assert {reply.kind for reply in replies[:-1]} <= {"pong"}
            assert [reply["seq"] for reply in replies[:-1]] == list(range(2, len(replies) + 1))
        assert daemon.wait_for_exit() == 0


def test_a_second_signal_ends_it_at_once(
    fresh_daemon: Start, rounds: Callable[..., int], rng: random.Random
) -> None:
    for _ in range(rounds(10, small=4)):
        with fresh_daemon() as daemon, ExitStack() as stack:
            clients = connected(daemon, stack)
            daemon.process.send_signal(signal.SIGTERM)
            time.sleep(rng.random() / 20)
            daemon.process.send_signal(signal.SIGTERM)
            start = time.monotonic()
            status = daemon.wait_for_exit()
            seconds = time.monotonic() - start
            assert status in (0, -signal.SIGTERM)
            assert seconds < TWICE_SECONDS * overcommitment()
            for client in clients:
                client.read_to_end()
