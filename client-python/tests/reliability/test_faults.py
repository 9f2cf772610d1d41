"""System calls of the daemon fail, each in its turn; whoever asked is told, and nothing is lost.

Invariant: whatever the kernel refuses the daemon (memory, descriptors, a socket's buffer), a client
gets its answer, an error of the table or at worst the end of its connection, and at the end the
daemon has what it had before. strace(1) makes the calls fail: it is attached by root, whom alone
the kernel lets, and when it is detached the daemon runs on.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.bystander import within
from harness.daemon import Daemon
from harness.epilogue import Footprint
from harness.process import status
from harness.raw import ClosedByDaemonError, RawClient, Reply
from harness.uids import Uid

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace to make calls fail"),
]

FAULTS = [
    (call, error)
    for call, errors in {
        "memfd_create": "EMFILE ENFILE ENOMEM",
        "ftruncate": "ENOMEM ENOSPC EINTR",
        "fallocate": "ENOSPC ENOMEM EINTR",
        "fcntl": "ENOMEM EAGAIN EINTR",
        "openat": "EMFILE ENFILE ENOMEM",
        "accept4": "EMFILE ENFILE ENOMEM EINTR EAGAIN",
        "sendmsg": "ENOMEM EAGAIN EINTR ETOOMANYREFS",
        "recvfrom": "ENOMEM EAGAIN EINTR",
    }.items()
    for error in errors.split()
]
NEW_CLIENT_SHARE = 0.5
ATTACH_SECONDS = 20.0
SETTLE_SECONDS = 4.0
LARGE = 300 << 10
CONTENT = os.urandom(LARGE)
NAMES = ("small", "large")

CODES = {
    "store_full", "quota_exceeded", "try_again", "not_found", "already_exists", "still_mapped",
    "not_permitted",
}  # fmt: skip
"""What a refusal may say; that a request was wrong would be a lie."""


def is_traced(pid: int) -> bool:
    threads = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(int(status(thread, "TracerPid")) for thread in threads)


@contextmanager
def failing(daemon: Daemon, call: str, error: str, every: int, calls: Path) -> Iterator[None]:
    """Meanwhile each so-many-th of these calls fails in each of the daemon's threads."""
    inject = f"inject={call}:error={error}:when={every}+{every}"
    command = ["strace", "-f", "-qqq", "-o", str(calls), "-e", f"trace={call}", "-e", inject,
               "-p", str(daemon.pid)]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
        try:
            deadline = time.monotonic() + ATTACH_SECONDS
            while not is_traced(daemon.pid):
                assert strace.poll() is None, f"strace ended: {strace.communicate()[1]!r}"
                assert time.monotonic() < deadline, "strace does not attach"
                time.sleep(0.01)
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=ATTACH_SECONDS)


class Client:
    """Does what clients do, tells what came of it, and connects anew when its connection ended."""

    def __init__(self, daemon: Daemon) -> None:
        self.outcomes: Counter[str] = Counter()
        self._daemon = daemon
        self._client: RawClient | None = None

    def _ask(self, kind: str, op: str, payload: bytes = b"", **fields: Any) -> Reply | None:
        """The reply that was wished for, or none."""
        try:
            client = self._client or self._connected()
            return self._note(client.ask(op, payload, **fields), kind) if client else None
        except (ClosedByDaemonError, ConnectionError):
            self.outcomes["closed"] += 1
            self.close()
            return None

    def _connected(self) -> RawClient | None:
        self._client = RawClient.connect(self._daemon.path, Uid.PRODUCER)
        welcome = self._note(self._client.hello(), "welcome")
        if welcome is None:
            self.close()
        else:
            welcome.close()
        return self._client

    def _note(self, reply: Reply, kind: str) -> Reply | None:
        assert reply.kind == kind or reply.kind in CODES, reply.head
        self.outcomes["served" if reply.kind == kind else reply.kind] += 1
        return reply if reply.kind == kind else None

    def work(self) -> None:
        self._ask("published", "put", b"x" * 1000, name="small")
        lent = self._ask("lent", "create", name="large", nbytes=LARGE)
        if lent is not None:
            os.pwrite(lent.descriptors[0], CONTENT, 0)
            lent.close()
            if self._ask("published", "seal", buffer=lent["buffer"]) is None:
                self._ask("aborted", "abort", buffer=lent["buffer"])
        for name in NAMES:
            opened = self._ask("opened", "open", name=name)
            if opened is not None:
                assert name == "small" or os.pread(opened.descriptors[-1], LARGE, 0) == CONTENT
                opened.close()
            self._ask("deleted", "delete", name=name)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(
            call,
            error,
            id=f"{call}-{error}",
            marks=pytest.mark.shows(*(30, 33) if call == "fallocate" else (33,)),
        )
        for call, error in FAULTS
    ],
)
def test_a_call_that_fails_is_told_and_costs_nothing(
    daemon: Daemon,
    call: str,
    error: str,
    tmp_path: Path,
    *,
    rounds: Callable[..., int],
    rng: random.Random,
    measured: Callable[[str], None],
) -> None:
    start, every, calls = Footprint.of(daemon), rng.randint(2, 5), tmp_path / "calls"
    client = Client(daemon)
    try:
        with failing(daemon, call, error, every, calls):
            for _ in range(rounds(200)):
                client.work()
                if rng.random() < NEW_CLIENT_SHARE:
                    client.close()
    finally:
        client.close()
    injected = calls.read_text().count("(INJECTED)")
    measured(f"{call} {error}: {injected} failed, {dict(client.outcomes)}")
    assert injected > 0
    assert client.outcomes["served"] > 0
    assert daemon.alive(), daemon.log
    with daemon.open(Uid.PRODUCER) as cleaner:
        for name in NAMES:
            cleaner.ask("delete", name=name)
    assert within(SETTLE_SECONDS, lambda: not changes(daemon, start)), changes(daemon, start)


def changes(daemon: Daemon, start: Footprint) -> list[str]:
    return Footprint.of(daemon).differences(start)
