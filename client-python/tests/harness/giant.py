"""Sends one large buffer from Java to Python and one back, and shows that nothing is copied.

    cd client-python/tests && python -m harness.giant 6442450944

A copy in private memory would show in RssAnon. It is sampled in the daemon and in both clients from
start to end; what counts is its peak above that of the same transfer of one megabyte. The bytes are
compared by SHA-256 with those of the file they came from. Run as root, daemon, producer and reader
are three uids without capabilities.
"""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.daemon import Daemon, cli, running
from harness.process import rss_anon
from harness.public import folder_for, python_environment, remove_public_folder
from harness.uids import Uid, as_uid

GROWTH_MAX = 64 << 20
SMALL = 1 << 20
BLOCK = 16 << 20

# Two minutes, because preparing gigabytes takes long where memory is scarce or CPUs are busy.
PYTHON_READS = """
import hashlib, sealbuf, sys
socket, name = sys.argv[1:]
with sealbuf.connect(socket, timeout=120) as store:
    print(hashlib.sha256(store.get(name).memoryview()).hexdigest())
"""

PYTHON_COPIES = PYTHON_READS.replace(
    "store.get(name).memoryview()", "bytes(store.get(name).memoryview())"
)
"""The negative control."""

PYTHON_WRITES = """
import os, sealbuf, sys
socket, name, path = sys.argv[1:]
with sealbuf.connect(socket, timeout=120) as store, open(path, "rb", buffering=0) as file:
    with store.create(name, nbytes=os.path.getsize(path)) as writer:
        view, at = writer.memoryview(), 0
        while at < len(view):
            at += file.readinto(view[at : at + (1 << 30)])
        view.release()
"""


@dataclass(frozen=True)
class Transfer:
    """One buffer, from a producer to a reader; peaks of RssAnon in bytes."""

    sha256: str
    producer: int
    reader: int
    daemon: int


class _Peaks:
    """Follows RssAnon of a client, and of the daemon beside it, until the client's end."""

    def __init__(self, client: "subprocess.Popen[bytes]", daemon: Daemon) -> None:
        self.client = self.daemon = 0
        self._thread = threading.Thread(target=self._follow, args=(client, daemon))
        self._thread.start()

    def _follow(self, client: "subprocess.Popen[bytes]", daemon: Daemon) -> None:
        while client.poll() is None:
            self.daemon = max(self.daemon, rss_anon(daemon.pid))
            with suppress(AssertionError, FileNotFoundError, ProcessLookupError):  # a zombie
                self.client = max(self.client, rss_anon(client.pid))
            time.sleep(0.005)

    def join(self) -> "_Peaks":
        self._thread.join()
        return self


@dataclass(frozen=True)
class _Client:
    """A program of one language, run as one uid."""

    command: list[str]
    variables: dict[str, str]

    @classmethod
    def java(cls, *arguments: str, uid: int) -> "_Client":
        return cls(cli(*arguments, uid=uid), {})

    @classmethod
    def python(cls, program: str, *arguments: str, uid: int) -> "_Client":
        python, variables = python_environment()
        return cls(as_uid(uid, [python, "-c", program, *arguments]), variables)

    def run(self, daemon: Daemon, take: Callable[[bytes], object]) -> _Peaks:
        """Hands what it writes to `take`, piece by piece."""
        variables = {**os.environ, **self.variables}
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, env=variables) as client:
            peaks = _Peaks(client, daemon)
            assert client.stdout is not None
            while piece := client.stdout.read(1 << 20):
                take(piece)
        assert client.returncode == 0, f"failed: status={client.returncode} {self.command}"
        return peaks.join()


def java_to_python(daemon: Daemon, name: str, file: Path, reads: str = PYTHON_READS) -> Transfer:
    put = _Client.java("put", name, str(file), "--socket", daemon.path, uid=Uid.PRODUCER)
    get = _Client.python(reads, daemon.path, name, uid=Uid.READER)
    written = put.run(daemon, lambda _: None)
    out = bytearray()
    read = get.run(daemon, out.extend)
    peak = max(written.daemon, read.daemon)
    return Transfer(out.decode().strip(), written.client, read.client, peak)


def python_to_java(daemon: Daemon, name: str, file: Path) -> Transfer:
    put = _Client.python(PYTHON_WRITES, daemon.path, name, str(file), uid=Uid.PRODUCER)
    get = _Client.java("get", name, "--socket", daemon.path, uid=Uid.READER)
    written = put.run(daemon, lambda _: None)
    digest = hashlib.sha256()
    read = get.run(daemon, digest.update)
    peak = max(written.daemon, read.daemon)
    return Transfer(digest.hexdigest(), written.client, read.client, peak)


def java_to_copying_python(daemon: Daemon, name: str, file: Path) -> Transfer:
    return java_to_python(daemon, name, file, PYTHON_COPIES)


Direction = Callable[[Daemon, str, Path], Transfer]


def _written(file: Path, nbytes: int) -> str:
    """Fills the file with random blocks, each different, and returns its SHA-256."""
    block, digest = bytearray(os.urandom(BLOCK)), hashlib.sha256()
    with file.open("wb", buffering=0) as out:
        for at in range(0, nbytes, BLOCK):
            block[:8] = at.to_bytes(8, "little")
            piece = memoryview(block)[: nbytes - at]
            out.write(piece)
            digest.update(piece)
    file.chmod(0o644)
    return digest.hexdigest()


def _growth(large: Transfer, small: Transfer) -> dict[str, int]:
    roles = ("producer", "reader", "daemon")
    return {role: getattr(large, role) - getattr(small, role) for role in roles}


def transfer(
    nbytes: int, directions: Sequence[Direction] = (java_to_python, python_to_java)
) -> list[str]:
    """The checks in each direction; a line of figures each."""
    folder = folder_for(Uid.PRODUCER, "giant")
    small, large = folder / "small", folder / "large"
    expected_small, expected = _written(small, SMALL), _written(large, nbytes)
    lines = []
    with (
        running(capacity=str(nbytes + (256 << 20))) as daemon,
        daemon.open(Uid.PRODUCER) as owner,
    ):
        for direction in directions:
            first = direction(daemon, "small", small)
            started = time.monotonic()
            second = direction(daemon, "large", large)
            seconds = time.monotonic() - started
            for name in ("small", "large"):
                owner.expect("deleted", "delete", name=name)
            assert (first.sha256, second.sha256) == (expected_small, expected)
            growth = _growth(second, first)
            figures = " ".join(f"{role}={grown >> 10}KiB" for role, grown in growth.items())
            lines.append(f"{direction.__name__} bytes={nbytes} seconds={seconds:.1f} {figures}")
            assert max(growth.values()) <= GROWTH_MAX, f"something was copied: {growth}"
    large.unlink()
    return lines


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in transfer(int(sys.argv[1])))
    remove_public_folder()
