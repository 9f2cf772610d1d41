"""Descriptors sent to the daemon never get in.

Invariant: the daemon reads without room for descriptors, so the kernel closes what a client sends
before the daemon could see it; the bytes that came with them are served as ever.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.daemon import Daemon
from harness.process import descriptors
from harness.raw import SCM_MAX_FD, frame

pytestmark = [
    pytest.mark.shows(10),
    pytest.mark.one_version,
    pytest.mark.usefixtures("undisturbed"),
]

NUMBERS = (1, 2, 3, SCM_MAX_FD)


@contextmanager
def one_of_each() -> Iterator[list[int]]:
    """A memfd, a pipe, a socket, a directory, and a file opened by path only."""
    left, right = socket.socketpair()
    with left, right:
        opened = [
            os.memfd_create("smuggled"),
            *os.pipe(),
            os.open("/", os.O_RDONLY | os.O_DIRECTORY),
            os.open("/", os.O_PATH),
        ]
        try:
            yield [*opened, left.fileno()]
        finally:
            for fd in opened:
                os.close(fd)


def test_descriptors_that_a_client_sends_are_dropped(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    with daemon.open() as client, one_of_each() as smuggled:
        before = descriptors(daemon.pid)
        for number in range(rounds(1000)):
            count = NUMBERS[number % len(NUMBERS)]
            sent = [smuggled[(number + i) % len(smuggled)] for i in range(count)]
            client.send_with_descriptors(frame(client.head("ping")), sent)
            assert client.read().kind == "pong"
        after = descriptors(daemon.pid)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        # An earlier test's connection may have ended meanwhile.
        assert len(after) <= len(before)
        assert not [link for link in after if "smuggled" in link]
