"""Where the daemon's socket is: the argument, else the environment, else the usual place."""

import os
from pathlib import Path

from sealbuf._errors import InvalidRequest

SOCKET_PATH_MAX = 107
"""Bytes of sun_path without the NUL that ends it; see unix(7)."""


def socket_path(given: str | os.PathLike[str] | None) -> str:
    path = os.fspath(given) if given is not None else _default()
    if not path:
        raise InvalidRequest("socket path is empty: bytes=0 min=1")
    size = len(os.fsencode(path))
    if size > SOCKET_PATH_MAX:
        raise InvalidRequest(
            f"socket path too long: bytes={size} max={SOCKET_PATH_MAX} path={path}"
        )
    return path


def _default() -> str:
    if path := os.environ.get("SEALBUF_SOCKET"):
        return path
    runtime = os.environ.get("XDG_RUNTIME_DIR") or "/run"
    return str(Path(runtime, "sealbuf", "sealbuf.sock"))
