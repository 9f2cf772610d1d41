"""What a process that sleeps gives back: one thread that looks at the sessions of its stores.

A retired slab stays in memory for as long as somebody maps it. A reader that makes calls notices
retirements by itself; for one that does not, this thread looks twice a second at the words of the
header that tell (`CatalogReader.refresh`), and lets go of what nobody views. It makes no system
call but for its sleep, unless a session has something to tell the daemon that it forgot
(`Connection.tidy`). It also lets go of tensors that were given back (`_tensor.sweep`).

There is one thread for all stores of a process. It starts with the first store or tensor, keeps no
store alive, and ends when there is nothing left. For the moment of a fork it ends too: so it holds
no lock that the child would find locked for ever, and Python does not warn of a fork beside other
threads (but 3.13 does: it counts them when this one runs again).
"""

import os
import threading
from weakref import WeakSet

from sealbuf import _tensor as tensor
from sealbuf._catalog import CatalogReader
from sealbuf._connection import Connection

PERIOD = 0.5
"""Seconds between two looks; `protocol/LAYOUT.md` asks for one a second at least."""
STOP_SECONDS = 1.0
"""How long a fork waits for the thread, which only ever works for microseconds."""

_catalogs: "WeakSet[CatalogReader]" = WeakSet()
_connections: "WeakSet[Connection]" = WeakSet()
_change = threading.Lock()
_stop = threading.Event()
_thread: threading.Thread | None = None


def look_after(catalog: CatalogReader, connection: Connection) -> None:
    """From now on what the daemon retires is let go of, and what is forgotten is told, also while
    nobody calls."""
    with _change:
        _catalogs.add(catalog)
        _connections.add(connection)
        _start()


def look_after_tensors() -> None:
    if _thread is None:
        with _change:
            _start()


def leave(catalog: CatalogReader, connection: Connection) -> None:
    with _change:
        _catalogs.discard(catalog)
        _connections.discard(connection)


def _start() -> None:
    global _thread  # noqa: PLW0603 - one a process
    if _thread is None:
        thread = threading.Thread(target=_look, name="sealbuf-idle", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is about to end, and gives everything back then
            return
        _thread = thread


def _look() -> None:
    while not _stop.wait(PERIOD):
        _refresh()
        _tidy()
        tensor.sweep()
        if _nothing_left():
            return


def _refresh() -> None:
    with _change:
        here = list(_catalogs)
    for catalog in here:
        catalog.refresh()


def _tidy() -> None:
    with _change:
        here = list(_connections)
    for connection in here:
        while connection.tidy() and not _stop.is_set():
            pass


def _nothing_left() -> bool:
    """Says that there is no thread, and then looks again: who makes a tensor takes no lock if there
    is one, and would rely on it."""
    global _thread  # noqa: PLW0603
    with _change:
        if not _catalogs and not tensor.out():
            mine, _thread = _thread, None
            if tensor.out():
                _thread = mine
        return _thread is None


def _before_fork() -> None:
    thread = _thread
    if thread is not None:
        _stop.set()
        thread.join(STOP_SECONDS)


def _after_fork_in_parent() -> None:
    global _thread  # noqa: PLW0603
    _stop.clear()
    with _change:
        _thread = None
        if _catalogs or tensor.out():
            _start()


def _after_fork_in_child() -> None:
    global _change, _stop
    _change, _stop = threading.Lock(), threading.Event()
    for catalog in list(_catalogs):
        catalog.after_fork()
    _after_fork_in_parent()


tensor.wake = look_after_tensors
os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
