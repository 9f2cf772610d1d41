"""Sessions beside a store's own, for requests that the daemon parks until they can be met.

The store's connection answers one request after the other, so a request that may take minutes would
keep all other threads waiting. Whoever waits borrows a session of its own for that time. A few are
kept for the next one; a session in which a request was left unanswered (Ctrl-C, a daemon that does
not answer) is closed instead, and with it ends what the daemon still had parked for it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._dial import Dial
from sealbuf._errors import Closed, Disconnected, Timeout
from sealbuf._reply import Reply

IDLE_MAX = 4
"""Sessions kept for the next who waits; each is a descriptor here and one at the daemon."""


class SideSessions:
    """The pool of a store. Any number of threads may borrow at once."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._idle: list[tuple[str, Connection]] = []
        self._lent: WeakSet[Connection] = WeakSet()
        """Weakly: one that a borrower lost (Ctrl-C right behind `borrow`) ends as garbage."""
        self._closed = False
        self._change = threading.Lock()

    @contextmanager
    def borrowed(self, daemon: str, deadline: Deadline) -> Iterator[Connection]:
        """A session with that daemon; Disconnected when another one answers by now."""
        connection = self.borrow(daemon, deadline)
        try:
            yield connection
        finally:
            self.give_back(daemon, connection)

    def borrow(self, daemon: str, deadline: Deadline) -> Connection:
        return self.lend(daemon, self.kept(daemon) or self._new(daemon, deadline))

    def lend(self, daemon: str, connection: Connection) -> Connection:
        """Notes who is lent, so that `close` ends it too; to be given back."""
        with self._change:
            self._lent.add(connection)
        if self._closed:
            self.give_back(daemon, connection)
            raise Closed(f"store is closed: socket={connection.peer}")
        return connection

    def give_back(self, daemon: str, connection: Connection) -> None:
        with self._change:
            self._lent.discard(connection)
            kept = connection.in_step and not self._closed and len(self._idle) < IDLE_MAX
            if kept:
                self._idle.append((daemon, connection))
        if not kept:
            connection.close()

    def close(self) -> None:
        """Ends them all; threads that wait in one get Disconnected."""
        with self._change:
            self._closed = True
            idle, self._idle = self._idle, []
            for connection in self._lent:
                connection.cut()
        for _, connection in idle:
            connection.close()

    def after_fork(self) -> None:
        """In a forked child: the sessions are the parent's."""
        self._change = threading.Lock()
        self._lent, self._idle = WeakSet(), []

    def kept(self, daemon: str) -> Connection | None:
        """One that nobody uses, if there is any; to be lent."""
        while True:
            with self._change:
                if not self._idle:
                    return None
                its_daemon, connection = self._idle.pop()
            if its_daemon == daemon and not connection.arrived:
                return connection
            connection.close()  # its daemon is gone

    def _new(self, daemon: str, deadline: Deadline) -> Connection:
        connection, welcome = self._dial(deadline)
        return checked(connection, welcome, daemon)


def checked(connection: Connection, welcome: Reply, daemon: str) -> Connection:
    """A new session, if it is with that daemon; else it is closed."""
    welcome.close()
    if welcome["daemon"] != daemon:
        connection.close()
        lost = Disconnected(f"another daemon answers: daemon={welcome['daemon']}")
        lost.sent = False
        raise lost
    return connection


def parked(connection: Connection, op: str, deadline: Deadline, **fields: Any) -> Reply:
    """A request that the daemon keeps until it can be met or the time has passed (Timeout)."""
    while True:
        try:
            millis = deadline.wait_millis
            return connection.request(op, b"", deadline, timeout=millis, **fields)
        except Timeout:
            if not connection.in_step or not deadline.wait_left:
                raise  # otherwise only the longest time that the daemon keeps a request
