"""asyncio across the end of a daemon, and beside one that does not answer."""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

import sealbuf
import sealbuf.aio
from harness.daemon import Daemon
from harness.uids import Uid
from harness.workers import Channel, worker
from test_restarting import CEILING, END, Service, ended
from test_restarting import service as service_fixture

service = service_fixture
pytestmark = pytest.mark.daemon

WAITS = 50
DEADLINE = 0.5
REQUESTS = 400
"""One after the other they would take a hundred times the ceiling."""


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(CEILING):
        while not await true():
            await asyncio.sleep(0.005)


def wait_across(path: str, channel: Channel) -> None:
    async def work() -> None:
        async with sealbuf.aio.connect(path, timeout=CEILING) as store:
            await store.ping()
            watch = store.watch("late/")
            step = asyncio.ensure_future(anext(watch))
            names = [f"late/{at}" for at in range(WAITS)]
            waits = [asyncio.create_task(store.get(each, 3 * CEILING)) for each in names]
            taking = asyncio.create_task(store.take("late/taken", 3 * CEILING))
            given_up = asyncio.create_task(store.take("late/none", 3 * CEILING))

            async def all_wait() -> bool:
                stats = await store.stats()
                return (stats["waiting"], stats["watchers"]) == (WAITS + 2, 1)

            await until(all_wait)
            channel.say("waiting")
            await asyncio.to_thread(channel.hear)
            given_up.cancel()
            start = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert time.monotonic() - start < CEILING
            channel.say("given up")
            assert (await step).kind == "overflow"

            async def some_wait() -> bool:
                return int((await store.stats())["waiting"]) == WAITS + 1

            await until(some_wait)
            await store.put_many({each: each.encode() for each in names})
            assert [*map(bytes, await asyncio.gather(*waits))] == [each.encode() for each in names]
            await store.put(b"taken", "late/taken")
            assert await taking == b"taken"
            assert (await anext(watch)).kind == "sealed"
            assert len([t for t in threading.enumerate() if t.name.startswith("sealbuf-aio")]) <= 4

    asyncio.run(work())
    channel.say("done")


@ended
def test_waits_go_on_at_the_next_daemon(service: Service, end: str) -> None:
    with worker(partial(wait_across, service.path), Uid.PRODUCER) as waiting:
        waiting.expect("waiting")
        END[end](service)
        waiting.say("ended")
        waiting.expect("given up")
        service.start()
        waiting.expect("done")
        waiting.finish()


def ask_one_who_does_not_answer(path: str, channel: Channel) -> None:
    async def work() -> None:
        async with sealbuf.aio.connect(path, timeout=DEADLINE) as store:
            await asyncio.gather(*(store.ping() for _ in range(20)))
            channel.say("ready")
            await asyncio.to_thread(channel.hear)
            asked = [store.ping() for _ in range(REQUESTS)]
            waits = [store.get(f"never/{at}", DEADLINE) for at in range(10)]
            takes = [store.take("never/taken"), store.take("never/taken", DEADLINE)]
            start = time.monotonic()
            outcomes = await asyncio.gather(*asked, *waits, *takes, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {sealbuf.Timeout}
            assert time.monotonic() - start < CEILING
            channel.say("late")
            await asyncio.to_thread(channel.hear)
            assert await store.ping() >= 0

    asyncio.run(work())
    channel.say(os.getpid())


@pytest.mark.timeout(120)
def test_every_call_has_its_deadline_while_the_daemon_is_stopped(daemon: Daemon) -> None:
    with worker(partial(ask_one_who_does_not_answer, daemon.path), Uid.PRODUCER) as client:
        client.expect("ready")
        with daemon.paused():
            client.say("stopped")
            client.expect("late")
        client.say("goes on")
        client.expect(client.pid)
        client.finish()
