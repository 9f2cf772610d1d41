"""Small replies that many sessions of one uid do not read: they cost that uid, and nobody else.

Invariant: what is kept of replies is bounded in all and by uid, whatever their size; past it a
session of that uid is disconnected, others notice nothing, and what was kept comes back.
"""

import select
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from harness.bystander import within
from harness.daemon import Daemon
from harness.raw import RawClient, frame
from harness.uids import Uid

pytestmark = [pytest.mark.one_version, pytest.mark.timeout(300)]

HEAP = "-Xmx32m"
"""A quarter of it is for what is kept, a quarter of that for one uid: 2 MiB."""
SESSIONS = 100
PARKED = 25
"""Of each session. The daemon parks some 2900 of one uid at such a heap."""
TIMEOUT_MILLIS = 3000
PINGS = 1000
"""Their replies fill a socket."""
LONGEST_NAME = '"' * 255
"""Its JSON takes twice as much."""
END_SECONDS = 10.0
GIVEN_UP = "replies are not read, and their memory is needed"


def park_and_stop_reading(client: RawClient) -> None:
    waits = [
        frame(client.head("open", name=LONGEST_NAME, timeout=TIMEOUT_MILLIS)) for _ in range(PARKED)
    ]
    client.send(b"".join(waits))
    client.send(b"".join(frame(client.head("ping")) for _ in range(PINGS)))


def hung_up(clients: list[RawClient]) -> int:
    """How many of them the daemon has disconnected, read or not."""
    poll = select.poll()
    for client in clients:
        poll.register(client.connection, 0)
    return len(poll.poll(0))


def survivors(daemon: Daemon, observer: RawClient) -> int:
    """How many sessions that do not read have the replies they were owed kept for them."""
    with ExitStack() as stack:
        slow = [stack.enter_context(daemon.open(Uid.ATTACKER)) for _ in range(SESSIONS)]
        for client in slow:
            park_and_stop_reading(client)
        assert within(END_SECONDS, lambda: observer.stats()["waiting"] > 0)
        assert within(END_SECONDS, lambda: observer.stats()["waiting"] == 0)
        observer.expect("pong", "ping")
        return len(slow) - hung_up(slow)


def test_small_replies_that_nobody_reads_cost_their_uid_alone(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]],
    undisturbing: Callable[[Daemon], AbstractContextManager[None]],
    measured: Callable[[str], None],
) -> None:
    with fresh_daemon(environment={"SEALBUF_JAVA_OPTS": HEAP}) as daemon:
        with daemon.open(Uid.READER) as observer, undisturbing(daemon):
            first = survivors(daemon, observer)
            assert GIVEN_UP in daemon.log
            assert within(END_SECONDS, lambda: observer.stats()["sessions"] <= 2)
            second = survivors(daemon, observer)
        measured(f"{SESSIONS} sessions, kept: {first} at first, {second} when those had gone")
        assert 0 < first < SESSIONS
        assert abs(first - second) <= SESSIONS // 10
        assert daemon.alive()
