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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.daemon import Daemon, cli, running
from harness.process import rss_anon
from harness.public import folder_for, python_environment, remove_public_folder
from harness.uids import Uid, as_uid

GROWTH_MAX = 64 << 20
SMALL = 1 << 20
BLOCK = 16 << 20
SECONDS = 600

PYTHON_READS = """
import hashlib, sealbuf, sys
socket, name = sys.argv[1:]
with sealbuf.connect(socket) as store:
    print(hashlib.sha256(store.get(name).memoryview()).hexdigest())
"""

PYTHON_WRITES = """
import os, sealbuf, sys
socket, name, path = sys.argv[1:]
with sealbuf.connect(socket) as store, open(path, "rb", buffering=0) as file:
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


class _Peak:
    """Follows RssAnon of a process until its end."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.bytes = 0
        self._process = process
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        while self._process.poll() is None:
            self.bytes = max(self.bytes, _rss_anon_of(self._process.pid))
            time.sleep(0.005)

    def join(self) -> int:
        self._thread.join()
        return self.bytes


def _rss_anon_of(pid: int) -> int:
    try:
        return rss_anon(pid)
    except (AssertionError, FileNotFoundError, ProcessLookupError):
        return 0  # ended: a zombie has no memory


def _python(program: str, *arguments: str, uid: int) -> tuple[list[str], dict[str, str]]:
    python, variables = python_environment()
    return as_uid(uid, [python, "-c", program, *arguments]), variables


def _run(command: Sequence[str], variables: dict[str, str]) -> tuple[bytes, int]:
    """What it wrote, at most a line kept, and its peak."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **variables})
    peak = _Peak(process)
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, f"client failed: status={process.returncode} {command}"
    return out, peak.join()


def _hashed(command: Sequence[str]) -> tuple[str, int]:
    """SHA-256 of what a command writes, and its peak."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = _Peak(process)
    assert process.stdout is not None
    digest = hashlib.sha256()
    while block := process.stdout.read(1 << 20):
        digest.update(block)
    assert process.wait(SECONDS) == 0, f"client failed: status={process.returncode} {command}"
    return digest.hexdigest(), peak.join()


def java_to_python(daemon: Daemon, file: Path) -> Transfer:
    put = cli("put", "giant-java", str(file), "--socket", daemon.path, uid=Uid.PRODUCER)
    _, producer = _run(put, {})
    reads, variables = _python(PYTHON_READS, daemon.path, "giant-java", uid=Uid.READER)
    out, reader = _run(reads, variables)
    return Transfer(out.decode().strip(), producer, reader, rss_anon(daemon.pid))


def python_to_java(daemon: Daemon, file: Path) -> Transfer:
    writes, variables = _python(
        PYTHON_WRITES, daemon.path, "giant-python", str(file), uid=Uid.PRODUCER
    )
    _, producer = _run(writes, variables)
    get = cli("get", "giant-python", "--socket", daemon.path, uid=Uid.READER)
    sha256, reader = _hashed(get)
    return Transfer(sha256, producer, reader, rss_anon(daemon.pid))


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


def transfer(nbytes: int) -> list[str]:
    """Both directions and the checks; a line of figures each."""
    lines = []
    folder = folder_for(Uid.PRODUCER, "giant")
    small, large = folder / "small", folder / "large"
    expected_small, expected = _written(small, SMALL), _written(large, nbytes)
    for direction in (java_to_python, python_to_java):
        with running(capacity=str(nbytes + (256 << 20))) as daemon:
            first = direction(daemon, small)
            daemon.open(Uid.PRODUCER).expect(
                "deleted", "delete", name="giant-" + direction.__name__.split("_")[0]
            )
            started = time.monotonic()
            second = direction(daemon, large)
            seconds = time.monotonic() - started
        assert first.sha256 == expected_small
        assert second.sha256 == expected
        growth = _growth(second, first)
        figures = " ".join(f"{role}={grown >> 10}KiB" for role, grown in growth.items())
        lines.append(
            f"{direction.__name__}: bytes={nbytes} seconds={seconds:.1f} growth: {figures}"
        )
        assert max(growth.values()) <= GROWTH_MAX, f"something was copied: {growth}"
    return lines


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in transfer(int(sys.argv[1])))
    remove_public_folder()
