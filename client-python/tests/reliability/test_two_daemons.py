"""Two daemons that start at the same moment at the same path: one serves, the other goes.

Invariant: whatever was there before, nothing or what a killed daemon left, exactly one of them
takes the path; the other says why not, and leaves no process, no file and no half-made socket.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.daemon import START_SECONDS, Daemon, socket_folder
from harness.uids import Uid

REFUSAL = "sealbuf: cannot serve: a daemon already serves at this socket: path={}"


@contextmanager
def one_of_two(path: Path) -> Iterator[Daemon]:
    """The one that serves, the other's end having been checked."""
    both = [Daemon(path), Daemon(path)]
    try:
        deadline = time.monotonic() + START_SECONDS
        while all(daemon.alive() for daemon in both) and time.monotonic() < deadline:
            time.sleep(0.01)
        losers = [daemon for daemon in both if not daemon.alive()]
        assert len(losers) == 1, f"not one that goes: {[daemon.log for daemon in both]}"
        assert losers[0].process.returncode == 1
        assert losers[0].log.splitlines()[-1] == REFUSAL.format(path)
        winner = both[both[0] is losers[0]]
        winner.wait_until_ready()
        yield winner
    finally:
        for daemon in both:
            daemon.kill()


@pytest.mark.shows(44)
@pytest.mark.one_version
@pytest.mark.timeout(180)
def test_of_two_daemons_that_start_together_one_serves(rounds: Callable[..., int]) -> None:
    path = socket_folder() / "sealbuf.sock"
    for number in range(rounds(200, small=10)):
        with one_of_two(path) as winner:
            with winner.open(Uid.PRODUCER) as client:
                client.expect("published", "put", b"x", name="served")
                client.expect("opened", "open", name="served").close()
            assert {entry.name for entry in path.parent.iterdir()} == {
                path.name,
                f"{path.name}.lock",
            }
            if number % 2 == 0:  # else what it leaves is there at the next start
                winner.stop()
                assert list(path.parent.iterdir()) == []
