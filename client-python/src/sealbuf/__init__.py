"""Immutable buffers shared between processes in kernel-sealed memory."""

from sealbuf._buffer import Buffer
from sealbuf._connect import connect
from sealbuf._entry import Entry
from sealbuf._errors import (
    AlreadyExists,
    Closed,
    Disconnected,
    Error,
    InvalidName,
    InvalidRequest,
    NoDaemon,
    NotFound,
    NotPermitted,
    ProtocolError,
    QuotaExceeded,
    StillMapped,
    StoreFull,
    Timeout,
    TooManyMappings,
    TryAgain,
    WrongVersion,
)
from sealbuf._holder import Holder
from sealbuf._serve import serve
from sealbuf._store import Store
from sealbuf._version import __version__
from sealbuf._watch import Event, Watch
from sealbuf._writer import Writer

__all__ = [
    "AlreadyExists",
    "Buffer",
    "Closed",
    "Disconnected",
    "Entry",
    "Error",
    "Event",
    "Holder",
    "InvalidName",
    "InvalidRequest",
    "NoDaemon",
    "NotFound",
    "NotPermitted",
    "ProtocolError",
    "QuotaExceeded",
    "StillMapped",
    "Store",
    "StoreFull",
    "Timeout",
    "TooManyMappings",
    "TryAgain",
    "Watch",
    "Writer",
    "WrongVersion",
    "__version__",
    "connect",
    "serve",
]
