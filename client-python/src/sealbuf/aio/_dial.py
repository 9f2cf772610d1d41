"""Sessions for waiting, made without a thread: connect, then say hello, as `_dial` does."""

import asyncio

from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._dial import BACKLOG_PAUSES, connect, greeting
from sealbuf._errors import Timeout
from sealbuf._link import Link
from sealbuf._side import checked
from sealbuf.aio._answer import Answer


async def borrow(link: Link, daemon: str, deadline: Deadline) -> Connection:
    """A session with that daemon, to be given back to `link.sides`; Disconnected when another one
    answers by now."""
    kept = link.sides.kept(daemon)
    return link.sides.lend(daemon, kept or await _new(link, daemon, deadline))


async def _new(link: Link, daemon: str, deadline: Deadline) -> Connection:
    connection = await _connected(link, deadline)
    try:
        greeted = greeting(link.namespace)
        with Answer(connection, "hello", deadline, wait=False, **greeted) as answer:
            welcome = await answer.reply(deadline)
    except BaseException:
        connection.close()
        raise
    return checked(connection, welcome, daemon)


async def _connected(link: Link, deadline: Deadline) -> Connection:
    pause, longest = BACKLOG_PAUSES
    while True:
        try:
            return Connection(connect(link.path, Deadline(0)), link.path, link.timeout)
        except Timeout:  # the backlog is full
            if deadline.passed:
                raise
        await asyncio.sleep(min(pause, deadline.left))
        pause = min(2 * pause, longest)
