"""Exactly one creator of a name among all processes.

Whoever asks for a name that nobody has gets a reservation of it, and all others who ask wait until
it is published or given back. The reservation belongs to a session of its own (see `_side`), for
as long as the data is made: should this process end meanwhile, the next who waits gets it.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from sealbuf._buffer import Buffer
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._errors import Disconnected, Error
from sealbuf._link import Link
from sealbuf._session import Session
from sealbuf._side import parked
from sealbuf._source import Content
from sealbuf._terms import Terms

Make: TypeAlias = Callable[[], Content]


class Reservation:
    """The right to create a name. It ends with the block at the latest."""

    def __init__(self, link: Link, session: Session, side: Connection, name: str, number: int):
        self._link, self._session, self._side = link, session, side
        self._name, self._number = name, number
        self._used = False

    def publish(self, source: Content, deadline: Deadline) -> Buffer:
        side, session = self._side, self._session
        terms = Terms(reservation=self._number)
        buffer = session.put_over(side, source, self._name, terms, deadline)
        self._used = True
        return buffer

    def give_up(self) -> None:
        """Without a round trip: by the end of its session."""
        self._side.close()
        self._link.sides.give_back(self._session.daemon, self._side)

    def __enter__(self) -> "Reservation":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self._used and self._side.in_step:
                with suppress(Error):  # then the session is closed, which ends it too
                    self._side.request("abort", buffer=self._number)
        finally:
            self._link.sides.give_back(self._session.daemon, self._side)


def get_or_create(link: Link, name: str, make: Make, deadline: Deadline) -> Buffer:
    """The buffer of that name, of what `make` returns if nobody else has published it.

    What is made is made once: if the daemon goes away before it is published, it is offered to the
    next one.
    """
    made: Content | None = None
    while True:
        granted = _ask(link, name, deadline)
        if isinstance(granted, Buffer):
            return granted
        with granted:
            if made is None:
                made = make()
            deadline = link.deadline()
            try:
                return granted.publish(made, deadline)
            except Disconnected:
                if deadline.passed:
                    raise


def _ask(link: Link, name: str, deadline: Deadline) -> Buffer | Reservation:
    return link.run(lambda session: _reserve(link, session, name, deadline), deadline, repeat=True)


def _reserve(link: Link, session: Session, name: str, deadline: Deadline) -> Buffer | Reservation:
    side = link.sides.borrow(session.daemon, deadline)
    try:
        epoch = session.catalog.epoch
        reply = parked(side, "reserve", deadline, name=name)
        if reply.kind == "reserved":
            return Reservation(link, session, side, name, reply["buffer"])
        found = session.opened(side, reply, name, epoch, deadline)
    except BaseException:
        side.close()  # it may have been reserved all the same
        link.sides.give_back(session.daemon, side)
        raise
    link.sides.give_back(session.daemon, side)
    return found
