"""A store's line to its daemon, whichever daemon that is by now.

All that belongs to one session with a daemon is in one `Session` object. When the daemon is gone,
or the session is, the object is exchanged as a whole for that of a new session, by whichever thread
notices first; the others find it there. Nothing of an old session is ever asked again, so what an
old daemon knew can not be mixed up with what the new one knows.

A call that finds its session gone goes on with the next one by itself if that is safe: because it
changes nothing, because it had not been sent yet, or because another daemon answers now, at which
nothing of the old one's has an effect any more. Otherwise nobody can tell whether it was done, and
its caller gets Disconnected.
"""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet, ref

from sealbuf import _idle as idle
from sealbuf._buffer import Buffer
from sealbuf._deadline import Deadline
from sealbuf._dial import Dial
from sealbuf._errors import Closed, Disconnected, Error, NoDaemon, NotFound, Timeout, TryAgain
from sealbuf._session import Session
from sealbuf._side import SideSessions
from sealbuf._views import View

if TYPE_CHECKING:
    from sealbuf._watch import Watch

T = TypeVar("T")

PAUSES = (0.01, 0.25)
"""Seconds between two tries to connect: the first, which doubles, and the longest. A daemon that
starts is noticed well within a second."""


class Link:
    """The session of a store, exchanged when it is gone. Any number of threads may use it."""

    def __init__(
        self, path: str, dial: Dial, timeout: float | None, namespace: str = "default"
    ) -> None:
        self.path = path
        self.address = os.path.abspath(path)  # noqa: PTH100 - a Path would drop what looks needless
        """Where other processes find the socket, whatever their working directory."""
        self.namespace = namespace
        self.dial = dial
        self.timeout = timeout
        self.sides = SideSessions(dial)
        self.watches: WeakSet[Watch] = WeakSet()
        self.exchanged = False
        """Whether this store has talked to more than one daemon."""
        self._unseen: dict[tuple[str, int], ref[Buffer]] = {}
        self._renewing = threading.Lock()
        self._closing = threading.Event()
        self.session: Session | None = self._open(Deadline(timeout))
        _links.add(self)

    def deadline(self) -> Deadline:
        """That of a call which has none of its own."""
        return Deadline(self.timeout)

    @property
    def state(self) -> str:
        """`open`, or the code of the error that ended the session; the next call makes another."""
        session = self.session
        return "closed" if session is None else session.connection.state

    def current(self) -> Session:
        session = self.session
        if session is None:
            raise self.closed()
        return session

    def closed(self) -> Closed:
        return Closed(f"store is closed: socket={self.path}")

    def run(self, call: Callable[[Session], T], deadline: Deadline, *, repeat: bool) -> T:
        """Runs a call on the session, and again on the next one where that is safe.

        `repeat`: it changes nothing, so it may be done twice at the same daemon.
        """
        session, pause = self.current(), 0.0
        while True:
            try:
                return call(session)
            except Disconnected as error:
                if deadline.passed:
                    raise
                sent, final = error.sent, error.final
            if final:
                session.end()
            self.pause(pause, deadline)
            pause = longer(pause)
            following = self._following(session, deadline)
            self.check_repeatable(session, following, sent=sent, repeat=repeat)
            session = following

    def check_repeatable(
        self, lost: Session, following: Session, *, sent: bool, repeat: bool
    ) -> None:
        """That what was asked of the lost session may be asked of this one; else Disconnected."""
        if sent and not repeat and following.daemon == lost.daemon:
            raise Disconnected(
                f"the connection broke before the reply came, whether it was done is not "
                f"known: socket={self.path}"
            )

    def persist(self, attempt: Callable[[], T], deadline: Deadline) -> T:
        """Makes a connection, as soon as somebody listens and has room; NoDaemon past that."""
        pause = 0.0
        while True:
            try:
                return attempt()
            except NoDaemon as error:
                if deadline.passed:
                    raise NoDaemon(
                        f"no daemon came within the deadline: timeout={deadline.timeout} "
                        f"socket={self.path}"
                    ) from error
            except (Disconnected, TryAgain):
                if deadline.passed:
                    raise
            pause = longer(pause)
            self.pause(pause, deadline)

    def keep_unseen(self, daemon: str, version: int, buffer: Buffer) -> None:
        """Has a Buffer looked at when the store is closed, if it lives then."""
        key, unseen = (daemon, version), self._unseen
        unseen[key] = ref(buffer, lambda _: unseen.pop(key, None))

    def look(self, daemon: str, slab: int, at: int, name: bytes) -> View:
        """The bytes of a buffer that was put here and that nobody has looked at yet."""
        deadline = self.deadline()

        def call(session: Session) -> View | None:
            if session.daemon != daemon:
                return None
            return session.in_slab(slab, at, name, deadline)

        try:
            view = self.run(call, deadline, repeat=True)
        except NotFound:
            raise NotFound(
                f"the buffer was deleted, and its memory given back, before anybody looked at "
                f"this Buffer of it: name={name.decode()}"
            ) from None
        if view is None:
            raise Disconnected(
                f"the daemon went away before anybody looked at this Buffer of it: "
                f"name={name.decode()}"
            )
        return view

    def close(self) -> None:
        session = self.session
        if session is None:
            return
        try:
            self._look_at_unseen()
        finally:
            self._closing.set()
            self.session = None
            self.sides.close()
            for watch in list(self.watches):
                watch.close()
            session.connection.cut()  # or a request that is not answered would be waited for
            session.close()

    def _look_at_unseen(self) -> None:
        for buffer in list(self._unseen.values()):
            alive, session = buffer(), self.session
            if alive is None or session is None or not session.catalog.alive:
                continue
            try:
                alive.memoryview()
            except NotFound:
                pass
            except Error:
                return  # what the daemon does not bring any more cannot be kept

    def after_fork(self) -> None:
        """In a forked child: the next call makes a session of its own, and no lock is held."""
        self._renewing = threading.Lock()
        closing, self._closing = self._closing, threading.Event()
        if closing.is_set():
            self._closing.set()
        self.sides.after_fork()
        for watch in self.watches:
            watch._after_fork()

    def _following(self, lost: Session, deadline: Deadline) -> Session:
        return self.persist(lambda: self.exchange(lost, deadline), deadline)

    def exchange(self, lost: Session, deadline: Deadline) -> Session:
        """One try to connect, unless somebody else has succeeded."""
        if not self._renewing.acquire(timeout=deadline.left):
            raise Timeout(f"no answer within the deadline: op=connect timeout={deadline.timeout}")
        try:
            session = self.current()
            if session is not lost or session.usable:
                return session
            following = self._open(deadline)
            self.exchanged |= following.daemon != lost.daemon
            self.session = following
            lost.end()
        finally:
            self._renewing.release()
        if self._closing.is_set():
            self.session = None
            following.close()
            raise self.closed()
        return following

    def _open(self, deadline: Deadline) -> Session:
        connection, welcome = self.dial(deadline)
        try:
            with welcome:
                session = Session(connection, welcome, self)
        except BaseException:
            connection.close()
            raise
        idle.look_after(session.catalog, connection)
        return session

    def pause(self, seconds: float, deadline: Deadline) -> None:
        """Sleeps, at most until the deadline or until the store is closed."""
        if self._closing.wait(min(seconds, deadline.left)):
            raise self.closed()


def longer(pause: float) -> float:
    """The pause behind that one."""
    first, longest = PAUSES
    return min(2 * pause, longest) if pause else first


_links: "WeakSet[Link]" = WeakSet()


def after_fork() -> None:
    """In a forked child."""
    for link in list(_links):
        link.after_fork()
