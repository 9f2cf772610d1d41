"""A real daemon: the launcher as users run it, under its own uid, with its log captured."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.process import states_of_threads
from harness.public import folder_for, reachable
from harness.raw import RawClient
from harness.uids import GROUP, Uid, as_uid, own_group

LAUNCHER_FOLDER = Path(__file__).parents[3] / "server" / "target" / "sealbuf"

START_SECONDS = 120.0
"""A ceiling against hanging, many times what a start takes, for machines under load."""

STOP_SECONDS = 5.0


def launcher() -> Path:
    """The built launcher, in a place from which every uid can run it."""
    if not LAUNCHER_FOLDER.exists():
        raise AssertionError(f"not built, run `make build`: missing={LAUNCHER_FOLDER}")
    return reachable(LAUNCHER_FOLDER) / "bin" / "sealbuf"


def cli(*arguments: str, uid: int = Uid.READER, groups: Sequence[int] = (GROUP,)) -> list[str]:
    """The command line as `uid` runs it."""
    return as_uid(uid, [str(launcher()), *arguments], groups=groups)


class Daemon:
    def __init__(
        self,
        socket: Path,
        *,
        capacity: str | None = "1GiB",
        options: Sequence[str] = (),
        umask: int | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """`command` is another than the built launcher, uid and all."""
        self.socket = socket
        self.log_path = folder_for(Uid.DAEMON, "log") / "daemon.log"
        arguments = ["serve", "--socket", str(socket), "--group", str(own_group()), *options]
        if capacity is not None:
            arguments += ["--capacity", capacity]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *arguments] if command else cli(*arguments, uid=Uid.DAEMON),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log_path.parent,
                umask=-1 if umask is None else umask,
                env={**os.environ, **(environment or {})},
            )

    @property
    def path(self) -> str:
        return str(self.socket)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def open(self, uid: int = Uid.READER) -> RawClient:
        return RawClient.open(self.path, uid)

    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive():
                raise AssertionError(f"did not start: exit={self.process.returncode}\n{self.log}")
            if self._answers():
                return
            time.sleep(0.01)
        self.kill()
        raise AssertionError(f"not ready: waited={START_SECONDS}\n{self.log}")

    def _answers(self) -> bool:
        try:
            if not stat.S_ISSOCK(self.socket.lstat().st_mode):
                return False
            self.open().close()
        except (FileNotFoundError, ConnectionRefusedError, PermissionError):
            return False
        return True

    def wait_for_exit(self) -> int:
        """The exit status of a daemon that is expected to end by itself."""
        try:
            return self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running: waited={START_SECONDS}\n{self.log}") from None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """By SIGSTOP. A thread that is in a call goes on until the signal reaches it: what is asked
        before each of them has stopped may still be answered."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            while any(state != "T" for state in states_of_threads(self.pid)):
                time.sleep(0.001)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and the end that is promised: soon, with status 0, the socket removed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM ignored: waited={STOP_SECONDS}\n{self.log}") from None
        if status != 0 or self.socket.exists():
            left = self.socket.exists()
            raise AssertionError(f"no clean end: status={status} socket_left={left}\n{self.log}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(START_SECONDS)


def socket_folder(mode: int = 0o750) -> Path:
    """A folder of the daemon's own, which members of the group may enter."""
    return folder_for(Uid.DAEMON, "run", mode, own_group())


@contextmanager
def running(
    *,
    capacity: str | None = "1GiB",
    options: Sequence[str] = (),
    umask: int | None = None,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] | None = None,
) -> Iterator[Daemon]:
    """A daemon that answers; at the end it is stopped by SIGTERM, unless the test ended it."""
    daemon = Daemon(
        socket_folder() / "sealbuf.sock",
        capacity=capacity, options=options, umask=umask, environment=environment,
        command=command,
    )  # fmt: skip
    try:
        daemon.wait_until_ready()
        yield daemon
        if daemon.alive():
            daemon.stop()
    finally:
        if daemon.alive():
            daemon.kill()
