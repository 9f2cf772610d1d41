"""Servers as child processes: started, waited for, ended."""

import ctypes
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from peer.contract import Unable

START_SECONDS = 60.0
PR_SET_PDEATHSIG = 1


def memory_folder() -> Path:
    """A new folder in memory, for sockets and files."""
    return Path(tempfile.mkdtemp(prefix="sealbuf-bench-", dir="/dev/shm"))


def needed(program: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    found = shutil.which(program)
    if found is None:
        raise Unable(f"no program on PATH: program={program} debian_package={package}")
    return found


def compiled(source: Path, folder: Path) -> str:
    """The program made from a C source."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unable("no C compiler on PATH: program=cc")
    program = folder / source.stem
    command = [compiler, "-O2", "-std=gnu11", "-pthread", "-o", str(program), str(source)]
    subprocess.run(command, check=True)
    return str(program)


class Server:
    """A process that ends with this one, however this one ends."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self._log, stderr=subprocess.STDOUT,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has one thread
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, answers: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while not answers():
            if self._process.poll() is not None or time.monotonic() > end:
                log = (self.folder / "log").read_text(errors="replace")
                raise AssertionError(f"no answer: status={self._process.poll()} log={log}")
            time.sleep(0.002)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def version_of(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[0]


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
