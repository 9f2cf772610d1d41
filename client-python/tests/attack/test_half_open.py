"""A connection that says nothing costs a descriptor for 5 s, a crowd of them a line in the log.

Invariant: who has not said hello in time is told so and closed, whatever else was sent: nothing,
half a frame, or descriptors; and what a crowd of such clients does wrong is told once a second.
"""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from harness.bystander import overcommitment, within
from harness.daemon import Daemon
from harness.process import counts, rss_anon
from harness.raw import RawClient, frame
from harness.uids import Uid

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.usefixtures("many_descriptors", "undisturbed"),
]

CROWD = 1000
HELLO_SECONDS = 5.0
LATE_SECONDS = 1.0
EACH_BYTES = 64 << 10


def nothing(_: RawClient) -> None:
    pass


def half_a_frame(client: RawClient) -> None:
    whole = frame(client.head("hello", namespace="default", client="half/1"))
    client.send(whole[: len(whole) // 2])


def only_descriptors(client: RawClient) -> None:
    """As far as the kernel allows: a stream's descriptors need a byte that carries them."""
    client.send_with_descriptors(b"S", [0, 1, 2])


def ends(clients: dict[int, RawClient], started: dict[int, float]) -> Iterator[float]:
    """How old each connection was when it was told."""
    poll = select.poll()
    for number in clients:
        poll.register(number, select.POLLIN)
    left = set(clients)
    while left:
        ready = poll.poll(2000 * HELLO_SECONDS * overcommitment())
        assert ready, f"not closed: connections={len(left)}"
        now = time.monotonic()
        for number, _ in ready:
            poll.unregister(number)
            left.remove(number)
            yield now - started[number]


@pytest.mark.shows(48)
@pytest.mark.parametrize("begin", [nothing, half_a_frame, only_descriptors])
def test_who_says_no_hello_is_told_and_closed(
    daemon: Daemon,
    begin: Callable[[RawClient], None],
    rounds: Callable[..., int],
    measured: Callable[[str], None],
) -> None:
    started, crowd = dict[int, float](), dict[int, RawClient]()
    before = counts(daemon.pid)

    def descriptors() -> int:
        return (counts(daemon.pid).descriptors or 0) - (before.descriptors or 0)

    with ExitStack() as stack:
        for _ in range(rounds(CROWD)):
            client = stack.enter_context(RawClient.connect(daemon.path, Uid.ATTACKER))
            started[client.connection.fileno()] = time.monotonic()
            crowd[client.connection.fileno()] = client
            begin(client)
        for client in crowd.values():
            client.wait_until_taken()
        assert within(LATE_SECONDS, lambda: descriptors() >= len(crowd))
        taken, rss = descriptors(), rss_anon(daemon.pid)
        ages = list(ends(crowd, started))
        for client in crowd.values():
            assert [reply.kind for reply in client.read_to_end()] == ["protocol"]
    each = (rss - before.rss_anon) // len(crowd)
    measured(
        f"{len(crowd)} connections: {taken} descriptors, {each} bytes each,"
        f" closed after {min(ages):.2f} to {max(ages):.2f} s"
    )
    assert taken <= len(crowd) + 1  # and one for their process
    assert each <= EACH_BYTES
    assert min(ages) > HELLO_SECONDS - LATE_SECONDS
    assert max(ages) < HELLO_SECONDS + LATE_SECONDS * overcommitment()


@pytest.mark.shows(18)
@pytest.mark.parametrize("start", [b"SB\x00\x00", b"SB\x02\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_crowd_of_other_protocols_is_a_line_a_second(
    daemon: Daemon, start: bytes, rounds: Callable[..., int], measured: Callable[[str], None]
) -> None:
    before, begun, slowest = len(daemon.log), time.monotonic(), 0.0
    for _ in range(rounds(CROWD)):
        with RawClient.connect(daemon.path, Uid.ATTACKER) as client:
            sent = time.monotonic()
            client.send(start)
            assert client.read().kind == "wrong_version"
            slowest = max(slowest, time.monotonic() - sent)
    seconds = time.monotonic() - begun
    lines = daemon.log[before:].splitlines()
    measured(f"{len(lines)} lines in {seconds:.1f} s, slowest answer {slowest * 1000:.1f} ms")
    assert all(f"uid={Uid.ATTACKER}" in line for line in lines)
    assert len(lines) <= seconds + 1
