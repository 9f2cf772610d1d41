"""Forked copies under another uid that go on while the test goes on, and that may be killed.

A worker runs a function with one end of a channel; the test has the other. Messages are JSON. The
copy closes every other descriptor of this process, so that it keeps nobody's connection open.
"""

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.uids import Uid, fork_as

PATIENCE = 7200.0
"""Seconds to wait for a message: the test's own timeout comes first, at full size too."""

MESSAGE_MAX = 1 << 20


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def say(self, message: Any) -> None:
        self._socket.sendall(json.dumps(message).encode())

    def hear(self) -> Any:
        """The next message; EOFError when the other end is gone."""
        data = self._socket.recv(MESSAGE_MAX)
        if not data:
            raise EOFError("the other end of the channel is gone")
        return json.loads(data)

    def heard(self, seconds: float = 0) -> bool:
        """Whether a message is there, or the end."""
        self._socket.settimeout(seconds or 1e-6)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return False
        finally:
            self._socket.settimeout(PATIENCE)
        return True

    def told(self) -> bool:
        """Whether a message has come; takes it."""
        came = self.heard()
        if came:
            self.hear()
        return came

    def close(self) -> None:
        self._socket.close()


Work = Callable[[Channel], object]


class Worker(Channel):
    def __init__(self, work: Work, uid: int = Uid.READER) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.settimeout(PATIENCE)
        super().__init__(here)
        self.pid = fork_as(uid, lambda: _run(work, there))
        self._ended = False
        there.close()

    def expect(self, message: Any) -> None:
        heard = self.hear()
        assert heard == message, f"the worker said something else: heard={heard} want={message}"

    def kill(self) -> None:
        """kill -9, and the end of it."""
        if not self._ended:
            os.kill(self.pid, signal.SIGKILL)
            self._wait()
        self.close()

    def finish(self) -> None:
        """Waits for an end without a failure."""
        status = self._wait()
        self.close()
        assert status == 0, f"the worker failed: status={status}"

    def _wait(self) -> int:
        self._ended = True
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _run(work: Work, there: socket.socket) -> int:
    number = os.dup2(there.fileno(), 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    sys.stderr = os.fdopen(2, "w", errors="replace", closefd=False)  # pytest's own is closed
    channel = Channel(socket.socket(fileno=number))
    try:
        work(channel)
    except Exception:  # noqa: BLE001 - whatever it is, it is told in the other process
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


@contextmanager
def worker(work: Work, uid: int = Uid.READER) -> Iterator[Worker]:
    """A worker that is killed at the end, unless it has ended."""
    started = Worker(work, uid)
    try:
        yield started
    finally:
        started.kill()
