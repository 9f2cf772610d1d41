"""Ten thousand idle clients cost little, and a hundred thousand that come and go cost nothing.

Invariant: an idle connection takes its descriptor and a few KiB; who is one too many is told to try
again, and as soon as there is room he is let in. Nothing is left of a connection that has ended.
"""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from itertools import islice

import pytest

from harness.bystander import overcommitment, within
from harness.daemon import Daemon
from harness.process import rss_anon
from harness.raw import RawClient, frame
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.timeout(300),
]

IDLE = 10_000
IDLE_BYTES_MAX = 10 << 10
BEGUN = 1000
"""Bytes of a frame so small that it is part of what a session costs."""
PINGS = 1000
PING_SECONDS = 0.005
ALL_SECONDS = 10.0
LET_IN_SECONDS = 1.0

STORM = 100_000
STORM_SECONDS = 60
WORKERS = 4


@pytest.fixture
def most_descriptors() -> Iterator[int]:
    """As many as the host allows, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def greeted(client: RawClient) -> str:
    """What a connection hears first: its welcome, or that there is no room."""
    with suppress(BrokenPipeError):  # turned away before it could say hello
        client.send(frame(client.head("hello", namespace="default", client="idle/1")))
    reply = client.read()
    reply.close()
    return reply.kind


def idle_clients(daemon: Daemon, stack: ExitStack) -> Iterator[RawClient]:
    """As many as are let in, first of one uid, then of the next."""
    for uid in (Uid.ATTACKER, Uid.PRODUCER, Uid.READER):
        while True:
            client = stack.enter_context(RawClient.connect(daemon.path, uid))
            kind = greeted(client)
            if kind != "welcome":
                assert kind == "try_again"
                break
            yield client


def p99_of_pings(client: RawClient) -> float:
    seconds = []
    for _ in range(PINGS):
        start = time.perf_counter()
        client.expect("pong", "ping")
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[PINGS * 99 // 100]


@pytest.mark.shows(23)
def test_idle_connections_cost_little_and_one_too_many_is_told(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]],
    undisturbing: Callable[[Daemon], AbstractContextManager[None]],
    most_descriptors: int,
    measured: Callable[[str], None],
    not_run: Callable[[str], None],
) -> None:
    with fresh_daemon() as daemon, undisturbing(daemon), ExitStack() as stack:
        observer = stack.enter_context(daemon.open(Uid.READER))
        start, before = time.monotonic(), rss_anon(daemon.pid)
        letting_in = idle_clients(daemon, stack)
        idle = list(islice(letting_in, IDLE))
        seconds = time.monotonic() - start
        each, p99 = (rss_anon(daemon.pid) - before) // len(idle), p99_of_pings(observer)
        measured(
            f"{len(idle)} connections at RLIMIT_NOFILE {most_descriptors}: {each} bytes each,"
            f" all in {seconds:.2f} s, ping p99 {p99 * 1000:.2f} ms"
        )
        if len(idle) < IDLE:
            not_run(f"{IDLE} idle connections: the daemon lets in fewer")
        assert each <= IDLE_BYTES_MAX
        assert p99 < PING_SECONDS * overcommitment()
        assert seconds < ALL_SECONDS * overcommitment()
        idle.extend(letting_in)
        assert not is_let_in(daemon)
        idle.pop().close()
        assert within(LET_IN_SECONDS, lambda: is_let_in(daemon))
        for client in idle:
            client.send(frame(client.head("ping"), bytes(BEGUN))[:-1])
        observer.expect("pong", "ping")
        measured(
            f"{len(idle)} that have begun a frame: {(rss_anon(daemon.pid) - before) // len(idle)}"
            " bytes each"
        )


def is_let_in(daemon: Daemon) -> bool:
    with RawClient.connect(daemon.path, Uid.READER) as client:
        return greeted(client) == "welcome"


def come_and_go(path: str, times: int, channel: Channel) -> None:
    """Says how many of its requests were not answered."""
    lost = 0
    for _ in range(times):
        with RawClient.connect_here(path) as client:
            client.hello().close()
            lost += client.ask("ping").kind != "pong"
    channel.say(lost)


@pytest.mark.shows(24)
@pytest.mark.usefixtures("undisturbed")
def test_connections_that_come_and_go_lose_nothing_and_leave_nothing(
    daemon: Daemon, rounds: Callable[..., int], measured: Callable[[str], None]
) -> None:
    times = rounds(STORM) // WORKERS
    start = time.monotonic()
    with ExitStack() as stack:
        work = partial(come_and_go, daemon.path, times)
        clients = [stack.enter_context(worker(work, Uid.ATTACKER)) for _ in range(WORKERS)]
        for client in clients:
            client.expect(0)
            client.finish()
    seconds = time.monotonic() - start
    measured(f"{times * WORKERS} connections in {seconds:.1f} s")
    assert seconds < STORM_SECONDS * times * WORKERS / STORM * overcommitment()
