"""Events: what becomes of names, in the order in which it happens.

A watcher has a session of its own, on which the daemon tells. It may be slow: past a bound the
daemon drops events and tells of that by one `overflow`. When the daemon is gone the watcher
connects to the next one and says `overflow` itself, since what happened meanwhile went by unseen.
"""

import os
import select
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from sealbuf._buffer import utc
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._descriptor import Descriptor
from sealbuf._errors import Closed, Disconnected, Timeout
from sealbuf._reply import Reply

if TYPE_CHECKING:
    from sealbuf._link import Link


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    `kind` is `sealed` (published, or replaced by a greater `version`), `deleted` (by whatever it
    was: delete, take, the end of its time, eviction) or `overflow`: events were lost, so look again
    at what there is. An overflow has the `version` of the last publication, no `name`, and 0 for
    the rest.

    `owner` is the publisher's uid, `created` the moment of the publication in UTC.
    """

    kind: str
    name: str
    version: int
    nbytes: int
    owner: int
    created: datetime

    @classmethod
    def of(cls, told: Reply) -> "Event":
        """From an event as it came, already checked."""
        return cls(
            told["kind"],
            told["name"],
            told["version"],
            told["nbytes"],
            told["owner"],
            utc(told["created"]),
        )


class Watch:
    """What `Store.watch` gives: an iterator of events that waits for the next one, for ever.

    Iterate in one thread; `close` may be called from any, and ends the iteration. A daemon that
    restarts is waited for as long as the store's timeout says; then NoDaemon is raised, and the
    next call tries again.

    For an event loop there is `fileno()`, which is readable when `ready()` has something to do.
    """

    def __init__(self, link: "Link", prefix: str, *, replay: bool) -> None:
        self._link = link
        self._prefix = prefix
        self._replay = replay
        self._closed = False
        self._change = threading.Lock()
        self._poll = select.epoll()
        self._alarm: Descriptor | None = None
        try:
            self._connection, _ = self._persist()
        except BaseException:
            self._poll.close()
            raise
        self._poll.register(self._connection, select.EPOLLIN)
        link.watches.add(self)
        if self._connection.arrived:  # events that came with the answer, perhaps
            self._raise_alarm()
        if link.session is None:  # closed meanwhile, and this watch not with it
            self.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        """The next event; waits for it. StopIteration once it, or the store, is closed."""
        event = self._next(Deadline(None))
        if event is None:
            raise StopIteration
        return event

    def ready(self) -> list[Event]:
        """The events that are here by now. Waits for none, but for a daemon that restarts.

        What an iteration has not taken yet is among them. Empty once closed.
        """
        events: list[Event] = []
        try:
            while (event := self._next(Deadline(0))) is not None:
                events.append(event)
        except Timeout:
            with self._change:
                self._quiet()
        return events

    def fileno(self) -> int:
        """A descriptor for select, poll, epoll or an event loop, the same for the watch's life.

        Readable when something has arrived, or while the daemon is gone; then call `ready()`. It
        does not tell of events that were read already, so do not mix it with iteration. Raises
        Closed once closed.
        """
        if self._closed:
            raise Closed(f"watch is closed: prefix={self._prefix}")
        return self._poll.fileno()

    def close(self) -> None:
        """Ends it. A thread that waits in it gets StopIteration."""
        with self._change:
            if self._closed:
                return
            self._closed = True
            self._poll.close()
            self._quiet()
            connection = self._connection
        self._link.watches.discard(self)
        connection.cut()
        connection.close()

    def _after_fork(self) -> None:
        """In a forked child, which connects anew: the session and its descriptors are shared."""
        self._change = threading.Lock()
        self._connection.abandon()
        self._poll.close()
        self._poll = select.epoll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a watch cannot be copied or pickled; send the Store, and watch there: "
            f"prefix={self._prefix}"
        )

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<sealbuf.Watch prefix={self._prefix!r} {state}>"

    def _next(self, deadline: Deadline) -> Event | None:
        if self._closed:
            return None
        try:
            return Event.of(self._connection.next_reply("watch", ("event",), deadline))
        except (Disconnected, Closed):
            return None if self._closed else self._reconnect()

    def _reconnect(self) -> Event | None:
        """The event that says what went by unseen."""
        self._raise_alarm()
        try:
            connection, version = self._persist()
        except Closed:
            return None
        with self._change:
            if not self._closed:
                self._connection = connection
                self._poll.register(connection, select.EPOLLIN)
                self._quiet()
                return Event("overflow", "", version, 0, 0, utc(0))
        connection.close()
        return None

    def _raise_alarm(self) -> None:
        """Keeps `fileno()` readable where no socket is: without a session, or with what has been
        read from it."""
        with self._change:
            if self._alarm is None and not self._closed:
                self._alarm = Descriptor(os.eventfd(1, os.EFD_CLOEXEC))
                self._poll.register(self._alarm, select.EPOLLIN)

    def _quiet(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.close()

    def _persist(self) -> tuple[Connection, int]:
        deadline = self._link.deadline()
        return self._link.persist(lambda: self._open(deadline), deadline)

    def _open(self, deadline: Deadline) -> tuple[Connection, int]:
        if self._closed:
            raise Closed(f"watch is closed: prefix={self._prefix}")
        connection, welcome = self._link.dial(deadline)
        welcome.close()
        try:
            watching = connection.request(
                "watch", b"", deadline, prefix=self._prefix, replay=self._replay
            )
        except BaseException:
            connection.close()
            raise
        return connection, watching["version"]
