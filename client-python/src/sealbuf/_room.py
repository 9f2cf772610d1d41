"""Publishing into a store that is full: wait for room, then try again.

The daemon tells the one who has waited longest first. What it tells is no promise, since others may
be faster, so whoever was told asks for the memory at once, and waits again if it is gone.
"""

from collections.abc import Callable
from typing import TypeVar

from sealbuf._buffer import Buffer
from sealbuf._deadline import Deadline
from sealbuf._errors import StoreFull, Timeout, TooManyMappings
from sealbuf._layout import PAGE_BYTES, SLAB_BYTES
from sealbuf._limits import PUT_MAX
from sealbuf._link import Link
from sealbuf._names import name_bytes
from sealbuf._session import Session
from sealbuf._source import Content
from sealbuf._terms import Terms

T = TypeVar("T")

PAUSES = (0.001, 0.05)
"""Seconds between two tries of one who was told and too late: the first, and the longest."""


def put(
    link: Link, content: Content, name: str | None, terms: Terms, timeout: float | None
) -> Buffer:
    """Has one buffer published, as below."""
    if name is not None:
        name_bytes(name)
    return publish(
        link,
        lambda session, deadline: session.put(content, name, terms, deadline),
        content.nbytes,
        timeout,
    )


def publish(
    link: Link, call: Callable[[Session, Deadline], T], nbytes: int, timeout: float | None
) -> T:
    """Has `nbytes` bytes published by `call`, within `timeout` seconds if there is no room now."""
    if timeout is None or timeout == 0:
        deadline = link.deadline()
        return link.run(lambda session: call(session, deadline), deadline, repeat=False)
    deadline = Deadline.of_waiting(timeout)
    pause, longest = PAUSES
    while True:
        try:
            return link.run(lambda session: call(session, deadline), deadline, repeat=False)
        except TooManyMappings:
            raise
        except StoreFull as full:
            if not deadline.wait_left:
                raise
            _await(link, needed(nbytes), deadline, full)
        link.pause(pause, deadline)
        pause = min(2 * pause, longest)


def _await(link: Link, nbytes: int, deadline: Deadline, full: StoreFull) -> None:
    try:
        link.run(lambda session: session.await_room(nbytes, deadline), deadline, repeat=True)
    except Timeout:
        raise full from None


def needed(nbytes: int) -> int:
    """A small buffer that found no room needs a new slab, a large one whole pages and a record."""
    if nbytes <= PUT_MAX:
        return SLAB_BYTES
    return -(-nbytes // PAGE_BYTES) * PAGE_BYTES
