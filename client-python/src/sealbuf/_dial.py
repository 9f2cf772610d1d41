"""From the path of a socket to a session: connect, then say hello."""

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import sleep
from typing import TypeAlias

from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._errors import Error, NoDaemon, NotPermitted, Timeout
from sealbuf._limits import BATCH_BYTES
from sealbuf._reply import Reply
from sealbuf._version import __version__

BACKLOG_PAUSES = (0.001, 0.05)
"""Seconds between tries to get into a full backlog: the first, and the longest."""

SEND_BYTES = BATCH_BYTES
"""Room for requests on their way, so that nearly all leave in one go: with the usual 208 KiB a put
of 128 KiB takes a fourth longer. The kernel doubles it for its own use, and may give less: wmem_max
in socket(7)."""

Dial: TypeAlias = Callable[[Deadline], tuple[Connection, Reply]]
"""Brings a new session and its `welcome`, whose descriptor the caller owns."""


@dataclass(frozen=True, slots=True)
class Dialer:
    """Where a store's sessions come from."""

    path: str
    namespace: str
    timeout: float | None
    """Of each request that has no deadline of its own, in seconds."""

    def __call__(self, deadline: Deadline) -> tuple[Connection, Reply]:
        connection = Connection(connect(self.path, deadline), self.path, self.timeout)
        try:
            return connection, hello(connection, self.namespace, deadline)
        except BaseException:
            connection.close()
            raise


def hello(connection: Connection, namespace: str, deadline: Deadline) -> Reply:
    return connection.request("hello", b"", deadline, **greeting(namespace))


def greeting(namespace: str) -> dict[str, str]:
    """The fields of hello."""
    return {"namespace": namespace, "client": f"sealbuf-python/{__version__}"}


def connect(path: str, deadline: Deadline) -> socket.socket:
    """A connected socket that never blocks. A full backlog is waited for."""
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        plain.setblocking(False)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        _connect(plain, path, deadline)
    except BaseException:
        plain.close()
        raise
    return plain


def _connect(plain: socket.socket, path: str, deadline: Deadline) -> None:
    pause, longest = BACKLOG_PAUSES
    while True:
        try:
            return plain.connect(path)
        except BlockingIOError:
            if deadline.passed:
                raise _late(deadline) from None
        except OSError as error:
            raise _cannot_connect(path, error) from None
        sleep(min(pause, deadline.left))
        pause = min(2 * pause, longest)


def _late(deadline: Deadline) -> Timeout:
    return Timeout(f"no answer within the deadline: op=connect timeout={deadline.timeout}")


def _cannot_connect(path: str, error: OSError) -> Error:
    if error.errno == errno.EACCES:
        return NotPermitted(
            f"the socket is not for this user, ask for membership in the daemon's group: "
            f"uid={os.geteuid()} socket={path}"
        )
    return NoDaemon(f"nobody listens at the socket: socket={path} error={error.strerror}")
