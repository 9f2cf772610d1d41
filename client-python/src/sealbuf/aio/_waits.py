"""Everything that waits for something, in the event loop: names, room, reservations.

Each wait has a session of its own for as long as it lasts, as in `_side`; to give up is to end it,
and the daemon forgets what it had parked there. Only a `take` leaves more to do: the daemon may
have answered just before. So its session is closed for writing first, upon which the daemon ends
it; what can be read before the end says whether the buffer was taken, and then it is put back.

When the daemon is gone, one task looks for the next one, and the others wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack, suppress
from functools import partial
from socket import SHUT_WR
from typing import Any, TypeAlias, TypeVar

from sealbuf._buffer import Buffer
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._errors import Disconnected, Error, NoDaemon, NotFound, Timeout, TryAgain
from sealbuf._link import Link, longer
from sealbuf._once import Reservation
from sealbuf._reply import Reply
from sealbuf._session import Session
from sealbuf.aio._answer import Answer
from sealbuf.aio._dial import borrow
from sealbuf.aio._threads import Threads

T = TypeVar("T")
PutBack: TypeAlias = Callable[[str, Callable[[], Buffer]], Awaitable[None]]
"""Publishes what was taken by that name, when it has been opened."""


class Waits:
    """Those of one store, for one event loop."""

    def __init__(self, link: Link, threads: Threads, put_back: PutBack) -> None:
        self._link = link
        self._threads = threads
        self._put_back = put_back
        self._renewing = asyncio.Lock()
        self._unstoppable: set[asyncio.Task[Any]] = set()

    async def get(
        self, name: str, newer_than: int | None, deadline: Deadline, *, wait: bool
    ) -> Buffer:
        """The buffer of that name, newer than that version; NotFound, or Timeout with `wait`."""
        daemon = self._link.current().daemon

        async def call(session: Session) -> Buffer:
            newer = newer_than if session.daemon == daemon else None
            if newer is not None:
                look = partial(session.look, name, newer, self._link.deadline())
                found, newer = await self._threads.run(look, self._link.timeout)
                if isinstance(found, Buffer):
                    return found
            return await self._open(session, name, newer, deadline, wait=wait)

        return await self._run(call, deadline, repeat=True)

    async def take(self, name: str, deadline: Deadline, *, wait: bool) -> Buffer:
        return await self._run(
            lambda session: self._take(session, name, deadline, wait=wait), deadline, repeat=False
        )

    async def reserve(self, name: str, deadline: Deadline) -> Buffer | Reservation:
        """The buffer of that name, or the right to create it."""
        return await self._run(
            lambda session: self._reserve(session, name, deadline), deadline, repeat=True
        )

    async def room(self, nbytes: int, deadline: Deadline) -> None:
        """Returns when the store has room for so many bytes."""

        async def call(session: Session) -> None:
            with ExitStack() as held:
                side = await self._borrowed(held, session, deadline)
                with Answer(side, "await_room", deadline, wait=True, nbytes=nbytes) as answer:
                    await answer.reply(deadline)

        await self._run(call, deadline, repeat=True)

    async def to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """What it returns. A caller that is cancelled goes, and the work goes on."""
        task = asyncio.get_running_loop().create_task(work)
        self._unstoppable.add(task)
        task.add_done_callback(self._unstoppable.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for what goes on although its caller was cancelled."""
        while self._unstoppable:
            await asyncio.wait(self._unstoppable)

    async def _open(
        self, session: Session, name: str, newer: int | None, deadline: Deadline, *, wait: bool
    ) -> Buffer:
        with ExitStack() as held:
            side = await self._borrowed(held, session, deadline)
            while True:
                epoch, slab = session.catalog.epoch, session.catalog.newest
                fields = {"name": name, "newer": newer, "slab": slab}
                with Answer(side, "open", deadline, wait=wait, **fields) as answer:
                    opened = await answer.reply(deadline)
                    with suppress(NotFound):  # that slab is not mapped any more: ask for it, too
                        return session.opened(side, opened, name, epoch, None, slab=slab)

    async def _take(self, session: Session, name: str, deadline: Deadline, *, wait: bool) -> Buffer:
        epoch = session.catalog.epoch
        with ExitStack() as held:
            side = await self._borrowed(held, session, deadline)
            answer = held.enter_context(Answer(side, "take", deadline, wait=wait, name=name))

            def opened(taken: Reply) -> Buffer:
                return session.opened(side, taken, name, epoch, None)

            try:
                taken = await answer.reply(deadline)
            except asyncio.CancelledError:
                await self.to_its_end(self._give_up(held.pop_all(), side, answer, opened))
                raise
            return opened(taken)

    async def _give_up(
        self,
        held: ExitStack,
        side: Connection,
        answer: Answer,
        opened: Callable[[Reply], Buffer],
    ) -> None:
        """Ends a take that nobody waits for any more, and puts back what it took all the same."""
        try:
            side.cut(SHUT_WR)
            taken = await answer.reply(self._link.deadline())
            await self._put_back(taken["name"], partial(opened, taken))
        except Error:
            pass  # nothing was taken
        finally:
            answer.close()
            side.close()
            held.close()

    async def _reserve(
        self, session: Session, name: str, deadline: Deadline
    ) -> Buffer | Reservation:
        epoch = session.catalog.epoch
        with ExitStack() as held:
            side = await self._borrowed(held, session, deadline)
            answer = held.enter_context(Answer(side, "reserve", deadline, wait=True, name=name))
            try:
                reply = await answer.reply(deadline)
            except BaseException:
                answer.close()
                side.close()  # it may have been reserved all the same
                raise
            if reply.kind == "reserved":
                held.pop_all()
                return Reservation(self._link, session, side, name, reply["buffer"])
            return session.opened(side, reply, name, epoch, None)

    async def _borrowed(self, held: ExitStack, session: Session, deadline: Deadline) -> Connection:
        side = await borrow(self._link, session.daemon, deadline)
        held.callback(self._link.sides.give_back, session.daemon, side)
        return side

    async def _run(
        self, call: Callable[[Session], Awaitable[T]], deadline: Deadline, *, repeat: bool
    ) -> T:
        """What `Link.run` does, in the event loop."""
        session, pause = self._link.current(), 0.0
        while True:
            try:
                return await call(session)
            except Disconnected as error:
                if deadline.passed:
                    raise
                sent, final = error.sent, error.final
            self._link.current()  # the threads end with the store
            if final:
                await self._threads.run(session.end)
            await asyncio.sleep(pause)
            pause = longer(pause)
            following = await self._following(session, deadline)
            self._link.check_repeatable(session, following, sent=sent, repeat=repeat)
            session = following

    async def _following(self, lost: Session, deadline: Deadline) -> Session:
        """The session with the next daemon, as soon as there is one."""
        try:
            async with asyncio.timeout(deadline.left), self._renewing:
                return await self._exchanged(lost)
        except TimeoutError:
            raise NoDaemon(
                f"no daemon came within the deadline: timeout={deadline.timeout} "
                f"socket={self._link.path}"
            ) from None

    async def _exchanged(self, lost: Session) -> Session:
        pause = 0.0
        while True:
            self._link.current()
            exchange = partial(self._link.exchange, lost, self._link.deadline())
            with suppress(Disconnected, TryAgain, Timeout):
                return await self._threads.run(exchange)
            pause = longer(pause)
            await asyncio.sleep(pause)
