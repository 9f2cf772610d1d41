"""Rows as `sealbench` writes them, and daemons to measure: for the programs beside this file."""

import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

TREE = Path(__file__).resolve().parent.parent
BUILT = TREE / "server/target/sealbuf"
CORE = min(os.sched_getaffinity(0))
"""Client and daemon share one: a wake-up across cores costs more than the work."""

LOOK_SECONDS, START_SECONDS = 0.0005, 60.0


@dataclass(frozen=True)
class Row:
    work: str
    peer: str
    bytes: int
    unit: str
    n: int
    median: float
    p99: float
    low: float
    high: float
    processes: int = 1


def row(work: str, peer: str, nbytes: int, unit: str, samples: Sequence[float]) -> Row:
    """`low` and `high` are the quartiles: how far the run itself moved."""
    ordered = sorted(samples)

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Row(
        work, peer, nbytes, unit, len(ordered), median(ordered), at(0.99), at(0.25), at(0.75)
    )


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        json.dump([asdict(each) for each in rows], sys.stdout, indent=1)
        print()
        return
    for each in rows:
        print(
            f"{each.work:18} {each.peer:14} {each.bytes:>10} {each.n:>6} {each.median:>14.4g} "
            f"{each.p99:>12.4g} {each.unit}"
        )


def spawn(
    launcher: Path, path: Path, *options: str, daemon_options: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """A daemon on the one core. It is its own launcher's process: the shell script ends by exec."""
    environment = {**os.environ, "SEALBUF_JAVA_OPTS": " ".join(options)}
    return subprocess.Popen(
        ["taskset", "-c", str(CORE), launcher, "serve", "--socket", path, *daemon_options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def await_daemon(path: Path) -> None:
    """Until it listens; the socket's file is there a little earlier."""
    deadline = time.monotonic() + START_SECONDS
    while not listens(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no daemon after {START_SECONDS} s: socket={path}")
        time.sleep(LOOK_SECONDS)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as plain:
        try:
            plain.connect(str(path))
        except OSError:
            return False
    return True


@contextmanager
def running(launcher: Path, path: Path, *daemon_options: str) -> Iterator[int]:
    """Gives the daemon's process id."""
    daemon = spawn(launcher, path, daemon_options=daemon_options)
    try:
        await_daemon(path)
        yield daemon.pid
    finally:
        daemon.terminate()
        daemon.wait(START_SECONDS)


def processor_seconds(pid: int) -> float:
    """Used by all threads of a process, ended ones included (see clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def status_bytes(pid: int, *fields: str) -> int:
    """The sum of lines of /proc/PID/status, such as RssAnon."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return sum(int(found[field].split()[0]) << 10 for field in fields)
