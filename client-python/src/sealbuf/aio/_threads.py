"""Few threads for calls that take a round trip to the daemon, or the copy of some bytes.

A call that has begun cannot be cancelled. Whoever waited for it goes at once; the call ends by
itself, within its own deadline, and what it brought is undone (a session is closed, a writer
aborted). A call that has not begun yet never begins.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from sealbuf._deadline import Deadline
from sealbuf._errors import Timeout

T = TypeVar("T")

THREADS = 4
"""Requests take turns on their session; more threads help only with copies."""
_leaving: set[asyncio.Task[None]] = set()
"""Or nothing would hold the tasks."""


class Threads:
    """Those of one store, for one event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "sealbuf-aio")
        self._jobs: set[asyncio.Future[Any]] = set()

    async def run(
        self,
        call: Callable[[], T],
        timeout: float | None = None,
        undo: Callable[[T], object] | None = None,
    ) -> T:
        """What the call returns or raises. Timeout if it waits so many seconds for a thread.

        `undo`: what is done, in a thread, with a result that nobody waits for any more.
        """
        submitted, job = self._submit(partial(_in_time, call, Deadline(timeout)))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            if not submitted.cancel() and undo is not None:
                self._when_done(job, partial(self._undo, undo))
            raise

    async def close(self) -> None:
        """Waits for the calls that have begun, and ends the threads."""
        while self._jobs:
            await asyncio.wait(self._jobs)
        self._pool.shutdown()

    def leave(self) -> None:
        """As `close`, but the caller goes on. The loop does not end before (`asyncio.run`)."""
        task = asyncio.get_running_loop().create_task(self._closed_after_all())
        _leaving.add(task)
        task.add_done_callback(_leaving.discard)

    async def _closed_after_all(self) -> None:
        closed = False
        while not closed:
            with suppress(asyncio.CancelledError):  # the loop is about to end
                await self.close()
                closed = True

    def _submit(self, call: Callable[[], T]) -> tuple[Future[T], asyncio.Future[T]]:
        submitted = self._pool.submit(call)
        job = asyncio.wrap_future(submitted)
        self._jobs.add(job)
        job.add_done_callback(self._done)
        return submitted, job

    def _when_done(
        self, job: asyncio.Future[T], call: Callable[[asyncio.Future[T]], object]
    ) -> None:
        """At once if it is: `close` does not wait for callbacks of what is done."""
        if job.done():
            call(job)
        else:
            job.add_done_callback(call)

    def _done(self, job: asyncio.Future[Any]) -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()  # or asyncio tells of one that nobody waited for

    def _undo(self, undo: Callable[[T], object], job: asyncio.Future[T]) -> None:
        if not job.cancelled() and job.exception() is None:
            result = job.result()
            self._submit(lambda: undo(result))


def _in_time(call: Callable[[], T], deadline: Deadline) -> T:
    if deadline.passed:
        raise Timeout(
            f"no thread was free within the deadline: threads={THREADS} timeout={deadline.timeout}"
        )
    return call()
