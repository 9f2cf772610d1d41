"""How a program gets to a Store."""

import os
from threading import TIMEOUT_MAX

from sealbuf._address import socket_path
from sealbuf._errors import InvalidRequest
from sealbuf._store import Store


def connect(
    socket: str | os.PathLike[str] | None = None,
    *,
    namespace: str = "default",
    timeout: float | None = 5.0,
) -> Store:
    """Connects to the daemon.

    `socket` is the path of its socket; without it $SEALBUF_SOCKET, then
    $XDG_RUNTIME_DIR/sealbuf/sealbuf.sock, then /run/sealbuf/sealbuf.sock. `timeout` is the deadline
    of connecting and of every later call that does not take its own, in seconds; None waits for
    ever.

    Raises NoDaemon when nobody listens there, NotPermitted when this user may not connect,
    WrongVersion when the daemon speaks another version, Timeout when it does not answer.
    """
    if timeout is not None and not 0 < timeout <= TIMEOUT_MAX:
        raise InvalidRequest(f"timeout out of bounds: timeout={timeout} above=0 max={TIMEOUT_MAX}")
    return Store._at(socket_path(socket), namespace, timeout)
