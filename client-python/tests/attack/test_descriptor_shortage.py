"""Descriptors that nobody reads are their reader's loss, and a shortage of them ends with its cause.

Invariant: the kernel counts a descriptor on its way against the daemon's uid until it is read. No
client, nor all of one uid, can use that count up for the others; and where a process of the
daemon's own uid does so, or the process limit is reached, the daemon says `try_again`, does not
spin, and goes on as before when the cause is gone.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest

from harness.bystander import overcommitment, within
from harness.daemon import Daemon, cli, running
from harness.producer import published
from harness.raw import RawClient, frame
from harness.uids import Uid

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("many_descriptors"),
]

SPAMMERS = 512
ASKED = 16
"""More than a session may have on its way are not sent."""

HANDED_SECONDS = 0.1
GONE_SECONDS = 2.0
SIZE = 64 << 10


def limited(descriptors: int) -> list[str]:
    """The launcher, as the daemon's uid runs it with so many descriptors."""
    return ["prlimit", f"--nofile={descriptors}:{descriptors}", *cli(uid=Uid.DAEMON)]


def spam(client: RawClient, end: str) -> None:
    """Asks for descriptors and never reads, not even whether it was welcome."""
    requests = [client.head("hello", namespace="default", client="spammer/1")]
    requests += [client.head("open", name="wanted") for _ in range(ASKED)]
    with suppress(BrokenPipeError):  # turned away
        client.send(b"".join(map(frame, requests)))
    client.wait_until_taken()
    if end == "shut":
        client.connection.shutdown(socket.SHUT_RDWR)


def handed(daemon: Daemon) -> float:
    """Seconds until another uid has connected, asked and got a descriptor."""
    start = time.monotonic()
    with daemon.open(Uid.READER) as innocent:
        opened = innocent.expect("opened", "open", name="wanted")
        assert os.pread(opened.descriptors[-1], 1, 0) == b"x"
        opened.close()
    return time.monotonic() - start


@pytest.mark.shows(20)
@pytest.mark.parametrize("limit", [1024, 65536])
@pytest.mark.parametrize("end", ["open", "shut"])
def test_descriptors_that_nobody_reads_keep_none_from_others(
    limit: int, end: str, measured: Callable[[str], None]
) -> None:
    with (
        running(command=limited(limit)) as daemon,
        daemon.open(Uid.PRODUCER) as producer,
        published(producer, "wanted", b"x" * SIZE),
        ExitStack() as stack,
    ):
        slowest = handed(daemon)
        for _ in range(SPAMMERS):
            spam(stack.enter_context(RawClient.connect(daemon.path, Uid.ATTACKER)), end)
            slowest = max(slowest, handed(daemon))
        measured(f"{limit=} {end}: slowest={slowest * 1000:.1f} ms")
        assert slowest < HANDED_SECONDS * overcommitment()

        stack.close()
        assert within(GONE_SECONDS, lambda: producer.stats()["sessions"] == 1)
