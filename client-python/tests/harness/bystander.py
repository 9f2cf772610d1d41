"""An innocent client of another uid that measures, during an attack, how long its pings take.

Beside the daemon runs a C echo server under the same load. What counts is the ratio of the two:
it says how far the daemon itself was held up, whatever else the machine was doing.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from harness.native import compiled
from harness.public import folder_for
from harness.uids import Uid, as_uid

_SOURCES = Path(__file__).parent / "c"

RATIO_MAX = 3
REPLY_MAX = 250_000
"""Microseconds: no reply may take longer, whatever the echo server does."""

ROUNDS_MIN = 1000
"""Fewer have no 99th percentile worth the name: it would rest on a handful of replies."""

RESOLUTION = 5_000
"""Microseconds below which a p99 is not judged: a tick of the scheduler on two shared cores."""

COARSE_RESOLUTION = 50_000
"""The same for short runs, in which a class that is loaded or a collection of garbage weighs more.
A loop that waits for a seal, 163 ms, is still seen."""


def overcommitment() -> float:
    """How many runnable processes share a CPU: with others on the machine all wait their turn, and
    an echo server, which does next to nothing, is let in first."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def within(seconds: float, what: Callable[[], bool]) -> bool:
    """Whether it comes true in that time, or in as much more as others on the machine take away."""
    deadline = time.monotonic() + seconds * overcommitment()
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@dataclass(frozen=True)
class Latency:
    """In microseconds."""

    rounds: int
    daemon_p50: int
    daemon_p99: int
    daemon_max: int
    echo_p50: int
    echo_p99: int
    echo_max: int

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())

    def check(self, resolution: int) -> None:
        share = overcommitment()
        p99 = max(RATIO_MAX * self.echo_p99, resolution) * share
        if self.rounds >= ROUNDS_MIN:
            assert self.daemon_p99 <= p99, f"the daemon was held up: allowed={p99:.0f} {self}"
        longest = max(RATIO_MAX * self.echo_max, REPLY_MAX * share)
        assert self.daemon_max <= longest, f"a reply came late: allowed={longest:.0f} {self}"


@cache
def _echo_server() -> str:
    """One echo server for the whole run; it ends with this process."""
    path = str(folder_for(Uid.DAEMON, "echo") / "echo.sock")
    process = subprocess.Popen(
        as_uid(Uid.DAEMON, [str(compiled(_SOURCES / "echo.c")), path]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    _KEPT.append(process)
    return path


_KEPT: list[subprocess.Popen[bytes]] = []


class Bystander:
    def __init__(self, daemon_socket: str) -> None:
        command = [str(compiled(_SOURCES / "bystander.c")), daemon_socket, _echo_server()]
        self._process = subprocess.Popen(
            as_uid(Uid.READER, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self._process.communicate()[1]

    def finish(self) -> Latency:
        out, err = self._process.communicate(timeout=20)
        assert self._process.returncode == 0, f"an innocent client failed: {err}"
        fields = dict(item.split("=") for item in out.split())
        return Latency(**{name: int(value) for name, value in fields.items()})

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def beside(daemon_socket: str) -> Iterator[Bystander]:
    bystander = Bystander(daemon_socket)
    try:
        yield bystander
    finally:
        if bystander._process.poll() is None:
            bystander.kill()
