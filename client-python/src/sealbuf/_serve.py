"""A private daemon for one program: started, waited for, and gone at the end of the block.

The daemon runs under a small guard (`_guard`), which ends it when this process ends, however that
may be. Its socket lies in a new folder that nobody else can enter.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import IO

from sealbuf import _guard as guard
from sealbuf import _pool as pool
from sealbuf._deadline import Deadline
from sealbuf._dial import Dialer
from sealbuf._errors import Disconnected, NoDaemon, Timeout, TryAgain

PAUSE = 0.02
"""Seconds between two looks whether it answers."""
STOP_SECONDS = guard.STOP_SECONDS + 5.0
LAUNCHER = "SEALBUF_LAUNCHER"
NOT_ITS_OWN = ("SEALBUF_CONFIG", "SEALBUF_GROUP", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""Variables that speak of the machine's daemon, or of this program as a service (sd_notify(3))."""


@contextmanager
def serve(capacity: str | int = "1GiB", *, timeout: float = 60.0) -> Iterator[str]:
    """Starts a daemon of this program's own, and yields the path of its socket.

    `capacity`: the memory its store may take, as `sealbuf serve --capacity` reads it. `timeout`:
    seconds to wait until it answers. The launcher is $SEALBUF_LAUNCHER, else that of the
    distribution `sealbuf-server` (`pip install 'sealbuf[server]'`), else `sealbuf` on PATH. At the
    end of the block the daemon is stopped, also when the block raises or this process is killed;
    Buffers and views stay valid.

    Raises NoDaemon when there is no launcher, or when the daemon does not start, with what it said;
    Timeout when it does not answer in time.
    """
    with started(capacity, timeout) as (socket, _):
        yield socket


@contextmanager
def started(capacity: str | int, timeout: float) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The same, with the process whose end is the daemon's: SIGTERM stops both."""
    launcher, variables = _launcher()
    deadline = Deadline(timeout)
    folder = Path(tempfile.mkdtemp(prefix="sealbuf-"))
    socket = str(folder / "sealbuf.sock")
    command = [launcher, "serve", "--socket", socket, "--capacity", str(capacity)]
    starter = os.getpid()
    with tempfile.TemporaryFile() as stderr:
        process = _guarded(folder, stderr, command, variables)
        try:
            _await(process, socket, stderr, launcher, deadline)
            yield socket, process
        finally:
            if os.getpid() == starter:  # a forked child may leave the block too
                pool.leave(socket)
                _stop(process)
                shutil.rmtree(folder, ignore_errors=True)


def _launcher() -> tuple[str, Mapping[str, str]]:
    """And the variables that it wants."""
    if given := os.environ.get(LAUNCHER):
        if shutil.which(given) is None:
            raise NoDaemon(f"${LAUNCHER} is not a program: {LAUNCHER}={given}")
        return given, os.environ
    with suppress(ImportError):
        import sealbuf_server  # noqa: PLC0415 - not a dependency

        return str(sealbuf_server.LAUNCHER), sealbuf_server.environment()
    found = shutil.which("sealbuf")
    if found is None:
        raise NoDaemon(
            f"no launcher of the daemon: pip install 'sealbuf[server]', or set ${LAUNCHER} to "
            f"server/target/sealbuf/bin/sealbuf, or put sealbuf on PATH: "
            f"PATH={os.environ.get('PATH', '')}"
        )
    return found, os.environ


def _guarded(
    folder: Path, stderr: IO[bytes], command: list[str], variables: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """The guard of that command, in a session of its own: Ctrl-C is for the program."""
    python = [sys.executable, "-I", "-S", guard.__file__]
    return subprocess.Popen(
        [*python, str(os.getpid()), str(folder), *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        start_new_session=True,
        env={name: text for name, text in variables.items() if name not in NOT_ITS_OWN},
    )  # fmt: skip


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # and the kernel kills the daemon
        process.wait()


def _await(
    process: "subprocess.Popen[bytes]",
    socket: str,
    stderr: IO[bytes],
    launcher: str,
    deadline: Deadline,
) -> None:
    while not _answers(socket, deadline):
        if process.poll() is not None:
            raise NoDaemon(
                f"the daemon did not start: status={process.returncode} launcher={launcher} "
                f"stderr={_said(stderr)}"
            )
        if deadline.passed:
            raise Timeout(
                f"the daemon did not answer in time: timeout={deadline.timeout} "
                f"launcher={launcher} stderr={_said(stderr)}"
            )
        sleep(PAUSE)


def _answers(socket: str, deadline: Deadline) -> bool:
    try:
        connection, welcome = Dialer(socket, "default", deadline.timeout)(deadline)
    except (Disconnected, TryAgain, Timeout):
        return False
    welcome.close()
    connection.close()
    return True


def _said(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    return stderr.read().decode(errors="replace").strip()
