"""The wall clock may jump by an hour or ten years; nothing that lasts is measured by it.

Invariant: `created` follows the wall clock, as people want it to; times to live, deadlines of
parked requests and of handshakes follow a clock that only goes forward, and no jump makes the
daemon busy.
"""

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.daemon import Daemon, running
from harness.native import preloaded
from harness.process import cpu_seconds
from harness.public import folder_for
from harness.raw import PATIENCE, RawClient
from harness.uids import Uid

pytestmark = [pytest.mark.shows(41), pytest.mark.one_version, pytest.mark.timeout(180)]

SOURCE = Path(__file__).parent / "c" / "wall_clock.c"

HOUR = 3600
JUMPS = {
    "hour": HOUR,
    "hour-back": -HOUR,
    "ten-years": 87_660 * HOUR,
    "ten-years-back": -87_660 * HOUR,
}

IDLE_SECONDS = 0.5
IDLE_SHARE_MAX = 0.25
"""Of one CPU; a loop that spins takes all of it."""


class Clock:
    """The offset of the daemon's wall clock, in seconds."""

    def __init__(self) -> None:
        self.path = folder_for(Uid.DAEMON, "clock") / "offset"
        self.set(0)
        self.path.chmod(0o644)

    def set(self, seconds: int) -> None:
        mode = "r+b" if self.path.exists() else "wb"
        with self.path.open(mode, buffering=0) as file:
            file.write(struct.pack("<q", seconds))


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def jumpy(clock: Clock) -> Iterator[Daemon]:
    """A daemon that lives by that clock."""
    variables = {"LD_PRELOAD": str(preloaded(SOURCE)), "WALL_CLOCK_OFFSET": str(clock.path)}
    with running(environment=variables) as daemon:
        yield daemon


def created(client: RawClient, name: str) -> float:
    """When the daemon thinks it is."""
    published = client.expect("published", "put", b"x", name=name)
    client.expect("deleted", "delete", name=name)
    return float(published["created"]) / 1e6


def wait_until_alone(client: RawClient) -> None:
    """Whoever asked whether the daemon is ready may still be on the way out. A connection without
    a hello is in no namespace yet, and not counted."""
    deadline = time.monotonic() + PATIENCE
    while client.stats()["sessions"] != 1:
        assert time.monotonic() < deadline, client.stats()
        time.sleep(0.01)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_jump_of_the_wall_clock_changes_nothing_but_the_time_that_is_shown(
    jumpy: Daemon, clock: Clock, jump: int
) -> None:
    with jumpy.open(Uid.PRODUCER) as client, RawClient.connect(jumpy.path) as silent:
        assert abs(created(client, "before") - time.time()) < 60
        client.expect("published", "put", b"kept", name="kept")
        lent = client.expect("lent", "create", name="unfinished", nbytes=100)
        lent.close()
        wait_until_alone(client)
        clock.set(jump)
        try:
            assert abs(created(client, "after") - time.time() - jump) < 60, "the shim does not bite"
            before = cpu_seconds(jumpy.pid)
            time.sleep(IDLE_SECONDS)
            busy = cpu_seconds(jumpy.pid) - before
            assert busy < IDLE_SECONDS * IDLE_SHARE_MAX, f"a busy loop: seconds={busy}"
            # A connection half way through its handshake is not late by the wall clock either.
            silent.hello().close()
            assert client.stats()["sessions"] == 2
            opened = client.expect("opened", "open", name="kept")
            opened.close()
            assert client.stats()["unfinished"] == 1
            assert client.stats()["uptime_seconds"] < HOUR
            client.expect("published", "seal", buffer=lent["buffer"])
        finally:
            clock.set(0)
        for name in ("kept", "unfinished"):
            client.expect("deleted", "delete", name=name)
