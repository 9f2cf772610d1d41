"""Events for asyncio: the loop waits for them, a thread takes them.

A thread, because a watch whose daemon is gone looks for the next one when it is asked. What it
takes goes into a queue here, so that a step of the iteration that is cancelled loses nothing.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Self

import sealbuf
from sealbuf.aio._threads import Threads


class Watch:
    """What `Store.watch` gives: an async iterator of events, as `sealbuf.Watch`.

    It begins with its block (`async with`), or else with the first step of the iteration. One task
    at a time iterates. The iteration ends when the watch or its store is closed.
    """

    def __init__(self, open_: Callable[[], Awaitable[sealbuf.Watch]], threads: Threads) -> None:
        self._open = open_
        self._threads = threads
        self._watch: sealbuf.Watch | None = None
        self._events: deque[sealbuf.Event] = deque()
        self._taking: asyncio.Task[None] | None = None
        self._readable: asyncio.Future[None] | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> sealbuf.Event:
        """The next event; waits for it. Raises NoDaemon when a daemon that went away did not come
        back within the store's timeout; the next step tries again."""
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            watch = await self._opened()
            if self._taking is None and await self._comes(watch):
                self._taking = asyncio.create_task(self._threads.run(partial(self._take, watch)))
            await self._taken()
        return self._events.popleft()

    async def close(self) -> None:
        """Ends it. A task that waits in it gets StopAsyncIteration."""
        self._end()

    def _end(self) -> None:
        self._closed = True
        self._forget_reader()
        if self._watch is not None:
            self._watch.close()

    async def __aenter__(self) -> Self:
        await self._opened()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    async def _opened(self) -> sealbuf.Watch:
        if self._watch is None:
            self._watch = await self._open()
            if self._closed:
                self._watch.close()
        return self._watch

    async def _comes(self, watch: sealbuf.Watch) -> bool:
        """Waits until there is something to take; False when it is closed instead. The descriptor
        is the loop's only for that time."""
        if self._closed:
            return False
        loop = asyncio.get_running_loop()
        self._readable = loop.create_future()
        loop.add_reader(watch.fileno(), self._forget_reader)
        try:
            await self._readable
        finally:
            self._forget_reader()
        return not self._closed

    def _forget_reader(self) -> None:
        readable, self._readable = self._readable, None
        if readable is None or self._watch is None:
            return
        readable.get_loop().remove_reader(self._watch.fileno())
        if not readable.done():
            readable.set_result(None)

    def _take(self, watch: sealbuf.Watch) -> None:
        self._events.extend(watch.ready())

    async def _taken(self) -> None:
        """What a thread takes may be wanted by the step behind one that was cancelled."""
        taking = self._taking
        if taking is None:
            return
        try:
            await asyncio.shield(taking)
        finally:
            if taking.done():
                self._taking = None
