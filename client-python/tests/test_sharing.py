"""One store in many threads, and buffers that go from process to process by every way there is."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.public import python_environment, reachable
from harness.uids import Uid, as_uid

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(300)]

METHODS = ["fork", "spawn", "forkserver"]
FULL_SECONDS = 3000


def share(daemon: Daemon, task: str, rounds: int, method: str = "fork") -> str:
    """What the program says last; it must say nothing on standard error."""
    python, variables = python_environment()
    program = str(reachable(Path(__file__).parent) / "sharing_main.py")
    command = [python, "-X", "faulthandler", program, task, daemon.path, str(rounds), method]
    done = subprocess.run(
        as_uid(Uid.PRODUCER, command), env={**os.environ, **variables}, capture_output=True,
        text=True, check=False, timeout=FULL_SECONDS, cwd="/",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_eight_threads_get_and_put_through_one_store(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    each = rounds(100_000, 2_000)
    assert share(daemon, "threads", each) == f"{8 * each} gets and puts\n"


@pytest.mark.parametrize("method", METHODS)
def test_eight_children_read_at_once(
    daemon: Daemon, rounds: Callable[..., int], method: str
) -> None:
    times = rounds(20, 1)
    assert share(daemon, "children", times, method) == f"{8 * times} children\n"


@pytest.mark.parametrize("method", METHODS)
def test_handles_open_whose_names_are_gone(
    daemon: Daemon, rounds: Callable[..., int], method: str
) -> None:
    times = rounds(100)
    assert share(daemon, "gone", times, method) == f"{15 * times} handles\n"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["pool", "executor"])
def test_buffers_go_to_workers_and_come_back(
    daemon: Daemon, rounds: Callable[..., int], kind: str, method: str
) -> None:
    times = rounds(100)
    assert share(daemon, kind, times, method) == f"{20 * times} there and back\n"


def test_buffers_go_through_joblib_and_come_back(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    times = rounds(100)
    assert share(daemon, "joblib", times) == f"{20 * times} there and back\n"
