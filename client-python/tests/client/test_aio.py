"""The verbs for asyncio, in its own event loop and in uvloop: what is awaited, and what waits."""

import asyncio
import math
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import uvloop

import sealbuf
import sealbuf.aio
from client.test_room import CAPACITY, fill
from client.test_waiting import LONG, SOON
from harness.daemon import Daemon
from helpers.descriptors import descriptors
from sealbuf._side import IDLE_MAX

LARGE = 1 << 20
FIGURES = ("waiting", "sessions", "watchers", "unfinished")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(params=LOOPS, autouse=True)
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


@pytest.fixture
def small_daemon(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]],
) -> Iterator[str]:
    """The socket of a daemon with little room."""
    with fresh_daemon(capacity=str(CAPACITY)) as daemon:
        yield daemon.path


def own_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("sealbuf-aio")]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Waits for something that comes about by itself."""
    async with asyncio.timeout(LONG):
        while not await true():
            await asyncio.sleep(0.001)


async def parked(store: sealbuf.aio.Store) -> int:
    return int((await store.stats())["waiting"])


async def started(store: sealbuf.aio.Store, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """A task whose wait has come to the daemon."""
    before = await parked(store)
    task = asyncio.create_task(work)

    async def has_come() -> bool:
        return await parked(store) > before

    await until(has_come)
    return task


async def cancelled(task: "asyncio.Task[Any]", store: sealbuf.aio.Store | None = None) -> None:
    """Cancels it, and with `store` waits until the daemon has one waiter less."""
    before = await parked(store) if store else 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def has_gone() -> bool:
        return store is None or await parked(store) < before

    await until(has_gone)


@asynccontextmanager
async def leaving_nothing(store: sealbuf.aio.Store) -> AsyncIterator[None]:
    """What goes on inside leaves no waiter, no thread, and no session or descriptor but those that
    are kept for the next who waits."""
    await asyncio.gather(*(store.ping() for _ in range(20)))  # all threads there may be
    before, own, threads = await store.stats(), descriptors(), threading.active_count()
    yield

    async def as_before() -> bool:
        now = await store.stats()
        more = {key: int(now[key]) - int(before[key]) for key in FIGURES}
        sessions = more.pop("sessions")
        kept = max(sessions, descriptors() - own) <= IDLE_MAX
        return max(more.values()) <= 0 and kept and threading.active_count() <= threads

    await until(as_before)


async def test_every_verb_does_what_it_does_without_asyncio(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store:
        put = await store.put(b"hello", name, metadata=b"meta")
        assert (put == b"hello", put.metadata) == (True, b"meta")
        assert await store.get(name) == b"hello"
        large = os.urandom(LARGE)
        batch = await store.put_many({f"{name}/a": b"1", f"{name}/b": large})
        assert list(batch) == [f"{name}/a", f"{name}/b"]
        got = await store.get_many([f"{name}/b", f"{name}/a"])
        assert [*map(bytes, got.values())] == [large, b"1"]
        assert [entry.name for entry in await store.list(f"{name}/", limit=1)] == [f"{name}/a"]
        async with store.create(f"{name}/c", shape=(2, 3), dtype="float32") as writer:
            np.asarray(writer)[...] = 7
        assert np.asarray(await store.get(f"{name}/c")).sum() == 42
        await store.put_object({"a": np.arange(5)}, f"{name}/object")
        assert (await store.get_object(f"{name}/object"))["a"].tolist() == [0, 1, 2, 3, 4]
        assert await store.take(name) == b"hello"
        with pytest.raises(sealbuf.NotFound):
            await store.get(name)
        with pytest.raises(sealbuf.NotFound):
            await store.take(name)
        assert await store.get_or_create(name, lambda: b"made") == b"made"
        again = await store.put(b"again", name, replace=True, ttl=60)
        assert await store.get(name, newer_than=again.version - 1) == b"again"
        assert await store.ping() < LONG
        assert "capacity" in await store.stats()
        assert isinstance(await store.holders(name), list)
        await store.delete(*(entry.name for entry in await store.list(name)))
        assert repr(store) == f"<sealbuf.aio.Store socket={path!r} open>"
    assert own_threads() == []


async def test_errors_are_those_of_the_store(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store:
        await store.put(b"", name)
        with pytest.raises(sealbuf.AlreadyExists):
            await store.put(b"", name)
        with pytest.raises(sealbuf.InvalidName):
            await store.get("a\n")
        with pytest.raises(TypeError):
            await store.get(3)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            await store.put("text")  # type: ignore[arg-type]
        for timeout in (-1, math.nan):
            for call in (store.get, store.take):
                with pytest.raises(sealbuf.InvalidRequest):
                    await call(name, timeout)
        with pytest.raises(sealbuf.Timeout) as caught:
            await store.get(f"{name}/none", timeout=0.01)
        assert caught.value.message.startswith(f"the wait for a name ended without it: name={name}")
        with pytest.raises(sealbuf.InvalidRequest):
            store.create(name)
        await store.delete(name)
    for closed in (store.get, store.take, store.delete):
        with pytest.raises(sealbuf.Closed):
            await closed(name)
    with pytest.raises(sealbuf.Closed):
        await store.put(b"", name)
    with pytest.raises(sealbuf.NoDaemon):
        await sealbuf.aio.connect(f"{path}/none")
    assert own_threads() == []


async def test_what_is_mapped_is_read_without_leaving_the_loop(path: str, name: str) -> None:
    store = await sealbuf.aio.connect(path)
    await store.put_many({f"{name}/small": b"small", f"{name}/large": bytes(LARGE)})
    held = [await store.get(f"{name}/{kind}") for kind in ("small", "large")]
    for buffer in held:
        for call in (store.get(buffer.name), store.get(buffer.name, LONG)):
            with pytest.raises(StopIteration) as returned:
                call.send(None)  # which raises anything else if there is something to wait for
            assert returned.value.value == buffer
    with pytest.raises(sealbuf.NotFound):
        store.get(f"{name}/none").send(None)
    await store.delete(*(buffer.name for buffer in held))
    await store.close()
    await store.close()


@pytest.mark.parametrize("nbytes", [5, LARGE])
async def test_a_name_is_waited_for(path: str, name: str, nbytes: int) -> None:
    data = os.urandom(nbytes)
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        waiting = await started(store, store.get(name, LONG))
        other = await started(store, store.get_many([f"{name}/2", name], math.inf))
        taking = await started(store, store.take(f"{name}/2", LONG))
        first = await store.put(data, name)
        assert await waiting == data
        newer = await started(store, store.get(name, LONG, newer_than=first.version))
        await store.put(b"newer", name, replace=True)
        assert await newer == b"newer"
        await store.put(b"2", f"{name}/2")
        assert await taking == b"2"
        assert bytes((await other)[f"{name}/2"]) == b"2"
        await store.delete(name)
        del waiting, other, newer, taking, first


async def test_a_thousand_waits_take_no_thread(
    path: str,
    name: str,
    many_descriptors: None,  # noqa: ARG001 - room for them
) -> None:
    names = [f"{name}/{number}" for number in range(1000)]
    async with sealbuf.aio.connect(path, timeout=LONG) as store, leaving_nothing(store):
        threads = threading.active_count()
        waits = [asyncio.create_task(store.get(each, LONG)) for each in names]

        async def all_wait() -> bool:
            return await parked(store) == len(names)

        await until(all_wait)
        assert threading.active_count() == threads
        await store.put(b"beside", name)
        assert await store.get(name) == b"beside"
        await store.put_many({each: each.encode() for each in names})
        assert [*map(bytes, await asyncio.gather(*waits))] == [each.encode() for each in names]
        del waits
        await store.delete(name, *names)


@pytest.mark.parametrize("verb", ["get", "take", "get newer", "get_many", "get_or_create"])
async def test_a_cancelled_wait_leaves_nothing(path: str, name: str, verb: str) -> None:
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        for _ in range(20):
            if verb == "get_or_create":
                entered = asyncio.Event()

                async def slow(entered: asyncio.Event = entered) -> bytes:
                    entered.set()
                    await asyncio.sleep(LONG)
                    return b""

                creating = asyncio.create_task(store.get_or_create(name, slow))
                await entered.wait()
                waiting = await started(store, store.get_or_create(name, bytes, timeout=LONG))
                await cancelled(waiting, store)
                await cancelled(creating)
                assert await store.get_or_create(name, lambda: b"next") == b"next"
                await store.delete(name)
            elif verb == "get newer":
                buffer = await store.put(b"", name)
                newer = store.get(name, LONG, newer_than=buffer.version)
                await cancelled(await started(store, newer), store)
                await store.delete(name)
            else:
                call: Any = getattr(store, verb)
                waiting = await started(store, call([name] if verb == "get_many" else name, LONG))
                await cancelled(waiting, store)


async def test_a_deadline_of_asyncio_ends_a_wait_too(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(SOON):
                await store.take(name, math.inf)
        assert not isinstance(caught.value, sealbuf.Error)


async def test_a_take_that_is_cancelled_loses_nothing(
    path: str, name: str, rounds: Callable[..., int]
) -> None:
    """Whatever comes first, the buffer is with who took it, or in the store as it was."""
    times = rounds(20_000, 400)
    taken = left = back = 0
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        put_back = store._waits._put_back

        async def counted(name: str, opened: Callable[[], sealbuf.Buffer]) -> None:
            nonlocal back
            back += 1
            await put_back(name, opened)

        store._waits._put_back = counted
        for turn in range(times):
            data = b"%d" % turn * (1 if turn % 4 else 100_000)
            taking = await started(store, store.take(name, LONG))
            putting = asyncio.create_task(store.put(data, name, metadata=b"kept"))
            for _ in range(turn % 40):
                await asyncio.sleep(0)
            if turn % 3 == 0:
                await asyncio.sleep(turn % 7 * 0.0001)
            taking.cancel()
            try:
                buffer = await taking
                taken += 1
                await putting
            except asyncio.CancelledError:
                await putting
                buffer = await store.take(name)
                left += 1
            assert (buffer == data, buffer.metadata) == (True, b"kept")
            with pytest.raises(sealbuf.NotFound):
                await store.get(name)
            del buffer, taking, putting
    assert min(taken, left, back) > 0


async def test_what_cannot_be_put_back_is_told_of(path: str, name: str) -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    async with sealbuf.aio.connect(path) as store:
        buffer = await store.put(b"", name)
        await store._put_back(name, lambda: buffer)
        assert [context["message"] for context in told] == [
            f"what was taken for a cancelled task could not be put back: name={name}"
        ]
        assert isinstance(told[0]["exception"], sealbuf.AlreadyExists)
        await store.delete(name)


async def test_of_many_tasks_one_creates(path: str, name: str) -> None:
    calls: list[int] = []

    async def slowly(number: int) -> bytes:
        calls.append(number)
        await asyncio.sleep(SOON)
        return b"%d" % number

    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        got = await asyncio.gather(
            *(store.get_or_create(name, partial(slowly, at)) for at in range(50))
        )
        assert len(calls) == 1
        assert {bytes(buffer) for buffer in got} == {b"%d" % calls[0]}
        del got
        await store.delete(name)


async def test_a_factory_that_raises_is_followed_by_the_next(path: str, name: str) -> None:
    entered = asyncio.Event()

    async def fails() -> bytes:
        entered.set()
        await asyncio.sleep(SOON)
        raise OSError("no source")

    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        failing = asyncio.create_task(store.get_or_create(name, fails))
        await entered.wait()
        following = await started(store, store.get_or_create(name, lambda: bytes(LARGE)))
        with pytest.raises(OSError, match="no source"):
            await failing
        assert (await following).nbytes == LARGE
        del following
        await store.delete(name)


async def test_a_writer_is_sealed_or_aborted_with_its_block(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        writer = await store.create(name, nbytes=10)
        writer.memoryview()[:2] = b"ab"
        assert (writer.name, writer.nbytes) == (name, 10)
        assert repr(writer) == f"<sealbuf.aio.Writer '{name}' nbytes=10 state=open>"
        assert await writer.seal(2) == b"ab"
        await store.delete(name)
        with pytest.raises(OSError, match="no source"):
            async with store.create(name, nbytes=10):
                raise OSError("no source")

        async def slow() -> None:
            async with store.create(name, nbytes=10):
                await asyncio.sleep(LONG)

        task = asyncio.create_task(slow())

        async def is_open() -> bool:
            return int((await store.stats())["unfinished"]) > 0

        await until(is_open)
        await cancelled(task)
        await _put_when_free(store, name)  # the create itself may have been cancelled
        await store.delete(name)


async def test_what_a_block_raises_is_raised_whatever_becomes_of_its_writer(
    path: str, name: str
) -> None:
    async with sealbuf.aio.connect(path) as other:
        store = await sealbuf.aio.connect(path)
        writer = await store.create(name, nbytes=10)
        with pytest.raises(OSError, match="no source"):
            await _fail_in(writer, store)
        assert repr(writer).endswith("state=aborted>")
        await _put_when_free(other, name)
        await other.delete(name)


async def _fail_in(writer: sealbuf.aio.Writer, store: sealbuf.aio.Store) -> None:
    async with writer:
        await store.close()
        raise OSError("no source")


async def _put_when_free(store: sealbuf.aio.Store, name: str) -> None:
    """The daemon aborts what a session left when it hears of its end."""

    async def put() -> bool:
        with suppress(sealbuf.AlreadyExists):
            await store.put(b"", name)
            return True
        return False

    await until(put)


async def test_a_create_that_is_cancelled_gives_its_name_back(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        for turn in range(100):
            task = asyncio.ensure_future(_create(store, name))
            for _ in range(turn % 10):
                await asyncio.sleep(0)
            await cancelled(task)

            await _put_when_free(store, name)
            await store.delete(name)


async def _create(store: sealbuf.aio.Store, name: str) -> None:
    async with store.create(name, nbytes=100):
        await asyncio.sleep(LONG)


async def test_a_connect_that_is_cancelled_leaves_nothing(path: str) -> None:
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):

        async def connect() -> None:
            async with sealbuf.aio.connect(path):
                await asyncio.sleep(LONG)

        for turn in range(50):
            task = asyncio.create_task(connect())
            for _ in range(turn % 10):
                await asyncio.sleep(0)
            await asyncio.sleep(turn % 3 * 0.0005)
            await cancelled(task)


async def test_a_connect_that_is_cancelled_is_not_waited_for() -> None:
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        path = f"{folder}/silent"
        silent.bind(path)
        silent.listen()
        connecting = asyncio.ensure_future(_connected(path))
        await asyncio.sleep(SOON)
        await cancelled(connecting)
        assert len(own_threads()) == 1  # it goes on by itself

    async def ended() -> bool:
        return own_threads() == []

    await until(ended)


async def _connected(path: str) -> None:
    await sealbuf.aio.connect(path, timeout=LONG)


async def test_events_are_iterated(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store, leaving_nothing(store):
        await store.put(b"", f"{name}/before")
        async with store.watch(f"{name}/", replay=True) as watch:
            await store.put(b"", f"{name}/after")
            told = [(await anext(watch)).name for _ in range(2)]
            assert told == [f"{name}/before", f"{name}/after"]
            await store.delete(*told)
            async for event in watch:
                assert event.kind == "deleted"
                if event.name == told[1]:
                    break


async def test_a_cancelled_step_of_an_iteration_loses_no_event(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store, store.watch(name) as watch:
        seen: list[int] = []
        for turn in range(200):
            step = asyncio.ensure_future(anext(watch))
            putting = asyncio.create_task(store.put(b"%d" % turn, name, replace=True))
            for _ in range(turn % 20):
                await asyncio.sleep(0)
            step.cancel()
            with suppress(asyncio.CancelledError):
                seen.append((await step).version)
            version = (await putting).version
            while not seen or seen[-1] < version:
                seen.append((await anext(watch)).version)
        assert len(seen) == 200
        assert seen == sorted(seen)
        await store.delete(name)


@pytest.mark.parametrize("what", ["watch", "store"])
async def test_close_ends_an_iteration(path: str, name: str, what: str) -> None:
    store = await sealbuf.aio.connect(path)
    watch = store.watch(name)

    async def iterate() -> list[sealbuf.Event]:
        return [event async for event in watch]

    iterating = asyncio.create_task(iterate())
    await asyncio.sleep(SOON)
    await (watch if what == "watch" else store).close()
    assert await asyncio.wait_for(iterating, LONG) == []
    assert [event async for event in watch] == []
    await store.close()
    assert own_threads() == []


async def test_a_watch_that_begins_while_the_store_is_closed_ends(path: str, name: str) -> None:
    for turn in range(5):
        store = await sealbuf.aio.connect(path)
        under_way = asyncio.create_task(store._waits.to_its_end(asyncio.sleep(SOON)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())  # which waits for that
        for _ in range(turn + 1):
            await asyncio.sleep(0)
        async with asyncio.timeout(LONG):
            with suppress(sealbuf.Closed):
                assert [event async for event in store.watch(name)] == []
            await closing
        await under_way


async def test_close_ends_all_waits(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as other:
        before = int((await other.stats())["sessions"])
        own = descriptors()
        store = await sealbuf.aio.connect(path)
        waits = [
            await started(store, call(name, LONG))
            for call in (store.get, store.take)
            for _ in range(3)
        ]
        await store.close()
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [sealbuf.Closed] * 6

        async def as_before() -> bool:
            return int((await other.stats())["sessions"]) == before and descriptors() == own

        await until(as_before)


async def test_a_put_waits_for_room_without_a_thread(
    small_daemon: str,
) -> None:
    async with sealbuf.aio.connect(small_daemon) as store, leaving_nothing(store):
        with sealbuf.connect(small_daemon) as filling:
            names = fill(filling, 16 << 20)
        with pytest.raises(sealbuf.StoreFull):
            await store.put(bytes(16 << 20), "late", timeout=SOON)
        waiting = await started(store, store.put(bytes(16 << 20), "late", timeout=LONG))
        await cancelled(waiting, store)
        waits = [
            await started(store, store.put(bytes(16 << 20), f"late/{at}", timeout=LONG))
            for at in range(len(names))
        ]
        await store.delete(*names)
        await asyncio.gather(*waits)
        assert len(await store.list("late/")) == len(names)


async def test_requests_of_many_tasks_take_turns(path: str, name: str) -> None:
    async with sealbuf.aio.connect(path) as store:
        names = [f"{name}/{number}" for number in range(300)]
        await asyncio.gather(*(store.put(each.encode(), each) for each in names))
        assert len(own_threads()) <= 4
        got = await asyncio.gather(*(store.get(each) for each in names))
        assert [*map(bytes, got)] == [each.encode() for each in names]
        await store.delete(*names)


async def test_an_unnamed_buffer_ends_with_its_buffer(path: str) -> None:
    async with sealbuf.aio.connect(path) as store:
        buffer = await store.put(b"hello")
        name = buffer.name
        del buffer

        async def gone() -> bool:
            return not await store.list(name)

        await until(gone)


def test_a_store_serves_one_loop_after_another_process_wide(path: str, name: str) -> None:
    """Each loop has a Store of its own, and they do not disturb each other."""

    async def work(number: int) -> bytes:
        async with sealbuf.aio.connect(path) as store:
            await store.put(b"%d" % number, f"{name}/{number}")
            return bytes(await store.take(f"{name}/{number}", LONG))

    outcomes: list[bytes] = []
    threads = [
        threading.Thread(target=lambda at=at: outcomes.append(asyncio.run(work(at))))
        for at in range(4)
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [b"0", b"1", b"2", b"3"]
    assert time.monotonic() - start < LONG
