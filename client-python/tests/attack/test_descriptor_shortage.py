"""Descriptors that nobody reads are their reader's loss, and a shortage ends with its cause.

Invariant: the kernel counts a descriptor on its way against the daemon's uid until it is read. No
client, nor all of one uid, can use that count up for the others; and where a process of the
daemon's own uid does so, or the process limit is reached, the daemon says `try_again`, does not
spin, and goes on as before when the cause is gone.
"""

import errno
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from typing import TypeAlias

import pytest

from harness.bystander import overcommitment, within
from harness.daemon import Daemon, cli, running
from harness.process import Counts, counts, cpu_seconds
from harness.producer import published
from harness.raw import SCM_MAX_FD, RawClient, frame
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("many_descriptors"),
]

Undisturbing: TypeAlias = Callable[[Daemon], AbstractContextManager[None]]

SPAMMERS = 512
ASKED = 16
"""More than a session may have on its way are not sent."""

HANDED_SECONDS = 0.1
WARM_UP = 100

FEW = 120
REACHED = (None, FEW - 1, FEW)
"""One is given up now and then, to turn somebody away."""
CONNECTS = 200
HELD_SECONDS = 3.0
IDLE_SHARE_MAX = 0.1
BACK_SECONDS = 1.0
GONE_SECONDS = 2.0
SIZE = 64 << 10


def limited(descriptors: int) -> list[str]:
    """The launcher, as the daemon's uid runs it with so many descriptors."""
    return ["prlimit", f"--nofile={descriptors}:{descriptors}", *cli(uid=Uid.DAEMON)]


def spam(client: RawClient, end: str) -> None:
    """Asks for descriptors and never reads, not even whether it was welcome. One that is deaf asks
    for as many as are sent at once, and the daemon meets the error behind them."""
    asked = 5 if end == "deaf" else ASKED
    requests = [client.head("hello", namespace="default", client="spammer/1")]
    requests += [client.head("open", name="wanted") for _ in range(asked)]
    with suppress(BrokenPipeError):  # turned away
        client.send(b"".join(map(frame, requests)))
    client.wait_until_taken()
    if end == "shut":
        client.connection.shutdown(socket.SHUT_RDWR)
    if end == "deaf":
        client.connection.shutdown(socket.SHUT_RD)
        with suppress(BrokenPipeError):
            client.send(frame(client.head("ping")))


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
@pytest.mark.parametrize("end", ["open", "shut", "deaf"])
def test_descriptors_that_nobody_reads_keep_none_from_others(
    limit: int,
    end: str,
    *,
    undisturbing: Undisturbing,
    measured: Callable[[str], None],
    not_run: Callable[[str], None],
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < limit:
        not_run(f"RLIMIT_NOFILE={limit}: the host allows less, which was tried instead")
        limit = hard
    with (
        running(command=limited(limit)) as daemon,
        daemon.open(Uid.PRODUCER) as producer,
        published(producer, "wanted", b"x" * SIZE),
    ):
        for _ in range(WARM_UP):
            handed(daemon)
        seconds = []
        with undisturbing(daemon), ExitStack() as stack:
            for _ in range(SPAMMERS):
                spam(stack.enter_context(RawClient.connect(daemon.path, Uid.ATTACKER)), end)
                seconds.append(handed(daemon))
        median, slowest = sorted(seconds)[SPAMMERS // 2], max(seconds)
        measured(f"{limit=} {end}: {median * 1000:.1f} ms, slowest {slowest * 1000:.1f} ms")
        assert slowest < HANDED_SECONDS * overcommitment()


def fill_the_count(channel: Channel) -> None:
    """Sends descriptors to itself until the kernel refuses any more from this uid."""
    pairs, memfd = [], os.memfd_create("in-flight")
    while True:
        here, there = socket.socketpair()
        pairs.append((here, there))
        try:
            socket.send_fds(here, [b"x"], [memfd] * SCM_MAX_FD)
        except OSError as error:
            channel.say(errno.errorcode[error.errno or 0])
            break
    channel.hear()


def open_it(client: RawClient) -> str:
    opened = client.ask("open", name="wanted")
    opened.close()
    return opened.kind


@pytest.mark.shows(21)
def test_a_count_that_the_daemons_own_uid_used_up_is_a_passing_shortage(
    undisturbing: Undisturbing, measured: Callable[[str], None]
) -> None:
    with (
        running(command=limited(1024)) as daemon,
        daemon.open(Uid.PRODUCER) as producer,
        published(producer, "wanted", b"x" * SIZE),
        daemon.open(Uid.READER) as reader,
        undisturbing(daemon),
    ):
        with worker(fill_the_count, Uid.DAEMON) as attacker:
            attacker.expect("ETOOMANYREFS")
            for _ in range(10):
                assert open_it(reader) == "try_again"
                reader.expect("pong", "ping")
            with RawClient.connect(daemon.path, Uid.READER) as late:
                assert late.hello().kind == "try_again"
        start = time.monotonic()
        assert within(BACK_SECONDS, lambda: open_it(reader) == "opened")
        measured(f"back after {(time.monotonic() - start) * 1000:.1f} ms")
        handed(daemon)


def lent_until_full(producer: RawClient) -> Iterator[int]:
    """The numbers of as many large buffers as the daemon has descriptors for."""
    for number in range(FEW):
        lent = producer.ask("create", name=f"large/{number}", nbytes=1 << 20)
        lent.close()
        if lent.kind != "lent":
            assert lent.kind == "store_full"
            return
        yield lent["buffer"]


@pytest.mark.shows(22)
def test_a_daemon_out_of_descriptors_waits_and_comes_back(measured: Callable[[str], None]) -> None:
    """Without a bystander, whose pings would be most of what the daemon does."""
    with running(command=limited(FEW)) as daemon, daemon.open(Uid.PRODUCER) as producer:
        producer.expect("published", "put", b"x", name="small")
        before = counts(daemon.pid)
        with ExitStack() as stack:
            buffers = list(lent_until_full(producer))
            for _ in range(CONNECTS):
                stack.enter_context(RawClient.connect(daemon.path, Uid.ATTACKER))
            assert within(BACK_SECONDS, lambda: counts(daemon.pid).descriptors in REACHED)
            busy = cpu_seconds(daemon.pid)
            time.sleep(HELD_SECONDS)
            busy = (cpu_seconds(daemon.pid) - busy) / HELD_SECONDS
            producer.expect("pong", "ping")
        start = time.monotonic()
        assert within(BACK_SECONDS, lambda: welcomed(daemon))
        back = time.monotonic() - start
        measured(f"CPU {busy:.1%} at the limit; a new client after {back * 1000:.1f} ms")
        assert busy < IDLE_SHARE_MAX
        for buffer in buffers:
            producer.expect("aborted", "abort", buffer=buffer)
        left = partial(left_over, daemon, before)
        assert within(GONE_SECONDS, lambda: left() == []), left()


def left_over(daemon: Daemon, before: Counts) -> list[str]:
    """What is more than before, or fewer threads."""
    now = counts(daemon.pid)
    more = (now.descriptors or 0) - (before.descriptors or 0)
    return [f"descriptors={more}"] * (more > 0) + ["threads"] * (now.threads < before.threads)


def welcomed(daemon: Daemon) -> bool:
    with RawClient.connect(daemon.path, Uid.READER) as client:
        welcome = client.hello()
        welcome.close()
        return welcome.kind == "welcome"
