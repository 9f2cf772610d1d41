"""The verbs of a store for asyncio: which of them go on in the loop, and which in a thread."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, SupportsIndex, TypeAlias, TypeVar
from weakref import WeakSet

import sealbuf
from sealbuf import _arrow as arrow
from sealbuf._buffer import Buffer
from sealbuf._catalog import Answer
from sealbuf._deadline import Deadline
from sealbuf._dtype import Shape, planned
from sealbuf._entry import Entry
from sealbuf._errors import (
    Disconnected,
    Error,
    NotFound,
    StoreFull,
    Timeout,
    TooManyMappings,
)
from sealbuf._holder import Holder
from sealbuf._names import name_bytes
from sealbuf._objects import Pickled, unpickled
from sealbuf._once import Reservation
from sealbuf._room import PAUSES, needed, put
from sealbuf._session import not_found
from sealbuf._source import Content, Data, Source
from sealbuf._terms import Lifetime, Terms
from sealbuf.aio._opening import Opening
from sealbuf.aio._threads import Threads
from sealbuf.aio._waits import Waits
from sealbuf.aio._watch import Watch
from sealbuf.aio._writer import Writer

Entries: TypeAlias = list[Entry]
Holders: TypeAlias = list[Holder]
T = TypeVar("T")


class Store:
    """Buffers by name, for one event loop. Comes from `sealbuf.aio.connect`.

    Each verb is that of `sealbuf.Store`, with its arguments and errors. Any number of tasks may use
    it at once. A wait that is cancelled ends at once, here and at the daemon. Any other call that
    is cancelled may be done or not, as after Ctrl-C there; what it opened is closed.
    """

    def __init__(self, store: sealbuf.Store, threads: Threads) -> None:
        self._store = store
        self._link = store._link
        self._threads = threads
        self._waits = Waits(self._link, threads, self._put_back)
        self._watches: WeakSet[Watch] = WeakSet()
        self._closing: asyncio.Task[None] | None = None

    async def put(
        self,
        data: Data,
        name: str | None = None,
        *,
        metadata: Data | None = None,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> Buffer:
        """Publishes a copy of `data`, which must not change before this returns."""
        call = partial(
            self._store.put, data, name,
            metadata=metadata, replace=replace, ttl=ttl, lifetime=lifetime,
        )  # fmt: skip
        return await self._published(call, lambda: Source.of(data).nbytes, timeout)

    async def put_many(
        self,
        batch: Mapping[str, Data],
        *,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> dict[str, Buffer]:
        """Publishes several buffers by their names: all of them, or none."""
        call = partial(self._store.put_many, batch, replace=replace, ttl=ttl, lifetime=lifetime)
        return await self._published(
            call, lambda: sum(Source.of(data).nbytes for data in batch.values()), timeout
        )

    def create(
        self,
        name: str | None = None,
        *,
        nbytes: SupportsIndex | None = None,
        shape: Shape | None = None,
        dtype: Any = None,
        order: Literal["C", "F"] = "C",
        metadata: Data | None = None,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> Opening[Writer]:
        """Lends zeroed shared memory: `async with store.create(...) as writer`, or `await` it."""
        kind = planned(nbytes, shape, dtype, order)
        call = partial(
            self._store.create, name, nbytes=nbytes, shape=shape, dtype=dtype, order=order,
            metadata=metadata, replace=replace, ttl=ttl, lifetime=lifetime,
        )  # fmt: skip

        async def opened() -> Writer:
            writer = await self._published(
                call, lambda: kind.nbytes, timeout, undo=sealbuf.Writer.abort
            )
            return Writer(writer, self._run)

        return Opening(opened)

    async def put_object(
        self,
        obj: Any,
        name: str | None = None,
        *,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> Buffer:
        """Publishes any object that can be pickled, which is done in the event loop."""
        terms = Terms.of(replace, ttl, lifetime)
        pickled = Pickled.of(obj)
        call = partial(put, self._link, pickled, name, terms, None)
        return await self._published(call, lambda: pickled.nbytes, timeout)

    async def get(
        self, name: str, timeout: float | None = None, *, newer_than: int | None = None
    ) -> Buffer:
        """The buffer of that name; `timeout`: seconds to wait for it to be published."""
        deadline = self._link.deadline() if timeout is None else Deadline.of_waiting(timeout)
        found = self._at_hand(name, newer_than)
        if isinstance(found, Buffer):
            return found
        if timeout is not None:
            return await self._waits.get(name, newer_than, deadline, wait=True)
        if newer_than is not None:
            return await self._run(partial(self._store.get, name, newer_than=newer_than))
        if found is Answer.ABSENT:
            raise not_found(name)
        return await self._waits.get(name, None, deadline, wait=False)

    async def get_many(
        self, names: Iterable[str], timeout: float | None = None
    ) -> dict[str, Buffer]:
        """The buffers of these names, by name, in that order; waits until all are published."""
        if timeout is None:
            return {name: await self.get(name) for name in names}
        deadline = Deadline.of_waiting(timeout)
        return {name: await self.get(name, deadline.wait_left) for name in names}

    async def get_object(
        self, name: str, timeout: float | None = None, *, allow_pickle: bool = False
    ) -> Any:
        """The object that `put_object` published, unpickled in the event loop."""
        buffer = await self.get(name, timeout)
        return unpickled(buffer, self._link.current().uid, allow_pickle=allow_pickle)

    async def get_arrow(
        self, name: str, timeout: float | None = None, *, newer_than: int | None = None
    ) -> arrow.Table:
        """The table in the buffer of that name, its columns in shared memory; needs pyarrow."""
        return arrow.table_of(await self.get(name, timeout, newer_than=newer_than))

    async def get_or_create(
        self,
        name: str,
        factory: Callable[[], Data | Awaitable[Data]],
        *,
        timeout: float | None = None,
    ) -> Buffer:
        """The buffer of that name, or of what `factory()` returns if nobody has published it; the
        factory may be a coroutine function. If it is cancelled, the next who waits calls its own.
        """
        name_bytes(name)
        deadline = self._link.deadline() if timeout is None else Deadline.of_waiting(timeout)
        with suppress(NotFound):
            return await self.get(name)
        made: Content | None = None
        while True:
            granted = await self._waits.reserve(name, deadline)
            if isinstance(granted, Buffer):
                return granted
            try:
                made = made or Source.of(await _result(factory))
                if self._closing is not None:  # meanwhile; there may be no threads any more
                    raise self._link.closed()
            except BaseException:
                granted.give_up()
                raise
            deadline = self._link.deadline()
            try:
                publish = partial(_publish, granted, made, deadline)
                return await self._waits.to_its_end(self._threads.run(publish))
            except Disconnected:
                if deadline.passed:
                    raise

    async def take(self, name: str, timeout: float | None = None) -> Buffer:
        """Gets a buffer and deletes its name in one step: of all who take, exactly one gets it.

        When it is cancelled at the moment at which it is given the buffer, it publishes a copy of
        that again, by the same name, before the cancellation goes on.
        """
        name_bytes(name)
        deadline = self._link.deadline() if timeout is None else Deadline.of_waiting(timeout)
        return await self._waits.take(name, deadline, wait=timeout is not None)

    async def delete(self, *names: str) -> None:
        """Takes names out of the store, one after the other; views and Buffers stay valid."""
        await self._run(partial(self._store.delete, *names))

    async def list(
        self, prefix: str = "", *, limit: int | None = None, after: str | None = None
    ) -> Entries:
        """The buffers whose names begin with `prefix` and come after `after`, sorted by name."""
        return await self._run(partial(self._store.list, prefix, limit=limit, after=after))

    def watch(self, prefix: str = "", *, replay: bool = False) -> Watch:
        """What becomes of names that begin with `prefix`: an async iterator of events."""

        def opened() -> Awaitable[sealbuf.Watch]:
            call = partial(self._store.watch, prefix, replay=replay)
            return self._run(call, undo=sealbuf.Watch.close)

        watch = Watch(opened, self._threads)
        self._watches.add(watch)
        return watch

    async def stats(self) -> dict[str, int | str]:
        """The daemon's figures."""
        return await self._run(self._store.stats)

    async def holders(self, name: str | None = None) -> Holders:
        """Who was handed which segment; with `name`, only those that hold that buffer's bytes."""
        return await self._run(partial(self._store.holders, name))

    async def ping(self) -> float:
        """Asks whether the daemon answers; the seconds that the answer took."""
        return await self._run(self._store.ping)

    async def close(self) -> None:
        """Ends the session and the threads. Buffers and views stay valid; unfinished writers are
        aborted, and whoever waits gets Closed."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._store).replace("<sealbuf.", "<sealbuf.aio.", 1)

    async def _close(self) -> None:
        for watch in list(self._watches):
            watch._end()
        await self._waits.close()
        await self._threads.run(self._store.close)
        await self._threads.close()

    async def _run(self, call: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """A call that takes a round trip, or a few. Closed from the beginning of `close` on."""
        self._link.current()
        if self._closing is not None:
            raise self._link.closed()
        return await self._threads.run(call, self._link.timeout, undo)

    def _at_hand(self, name: str, newer_than: int | None) -> Buffer | int | Answer:
        """What the shared catalog says, without asking anybody."""
        try:
            return self._link.current().find(name, newer_than, None)
        except Disconnected:
            return Answer.ASK

    async def _published(
        self,
        call: Callable[[], T],
        nbytes: Callable[[], int],
        timeout: float | None,
        undo: Callable[[T], object] | None = None,
    ) -> T:
        """What `_room.publish` does: again, when there is room, within `timeout` seconds."""
        if timeout is None or timeout == 0:
            return await self._run(call, undo)
        deadline = Deadline.of_waiting(timeout)
        pause, longest = PAUSES
        while True:
            try:
                return await self._run(call, undo)
            except TooManyMappings:
                raise
            except StoreFull:
                if not deadline.wait_left:
                    raise
                with suppress(Timeout):  # then it is tried once more
                    await self._waits.room(needed(nbytes()), deadline)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _put_back(self, name: str, opened: Callable[[], Buffer]) -> None:
        """What was taken for a task that was cancelled."""
        try:
            buffer = opened()
            put = partial(self._store.put, buffer, name, metadata=buffer.metadata)
            await self._threads.run(put)
        except Error as error:
            told = f"what was taken for a cancelled task could not be put back: name={name}"
            asyncio.get_running_loop().call_exception_handler({"message": told, "exception": error})


async def _result(factory: Callable[[], Data | Awaitable[Data]]) -> Data:
    made = factory()
    return await made if inspect.isawaitable(made) else made


def _publish(granted: Reservation, made: Content, deadline: Deadline) -> Buffer:
    with granted:
        return granted.publish(made, deadline)
