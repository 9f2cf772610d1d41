"""A program that uses what is public, as strict type checkers read it; nobody runs it."""

import math

import numpy as np

import sealbuf
import sealbuf.aio
from sealbuf.compat import plasma


def use(*_: object) -> None:
    """What a program would do with it."""


def synchronous(path: str) -> None:
    with sealbuf.connect(path, namespace="default", timeout=5.0) as store:
        buffer: sealbuf.Buffer = store.put(
            b"x", "a", metadata=b"m", replace=True, ttl=1.5, lifetime="session"
        )
        store.put(np.zeros(5), "array")
        store.put_many({"a": b"1", "b": np.zeros(3)})
        with store.create("c", shape=(2, 3), dtype="float32") as writer:
            np.asarray(writer)[...] = 7
            writer.memoryview()[0] = 1
        sealed = store.create(nbytes=3).seal(2)
        use(sealed.name, sealed.nbytes, bytes(sealed.memoryview()), sealed == b"x")
        use(
            buffer.metadata,
            buffer.version,
            buffer.owner,
            buffer.created.isoformat(),
            buffer.format,
            buffer.shape,
        )
        use(
            store.get("a", math.inf, newer_than=3).to_bytes(),
            np.asarray(buffer),
            np.from_dlpack(buffer),
        )
        use(
            buffer.find(b"x"),
            buffer.split(b","),
            buffer.upper(),
            buffer < b"y",
            buffer.ndim,
            buffer + b"",
        )
        use(buffer.format, buffer.strides, buffer.digest(), buffer[0], len(buffer), hash(buffer))
        use(store.get_many(["a", "b"]), store.get_or_create("n", lambda: b"made"))
        store.put_object({"a": 1}, "o")
        use(store.get_object("o"), store.take("a", 1.0), "a" in store)
        for entry in store.list("p", limit=3):
            use(entry.name, entry.nbytes, entry.version)
        for holder in store.holders("x"):
            use(holder)
        with store.watch("x", replay=True) as watch:
            for event in watch:
                use(event.kind, event.name)
        stats = store.stats()
        use(stats["capacity"], store.ping())
        store.delete("a", "b")
        table = store.get_arrow("t")
        use(table.num_rows)
        store.put(table, "t")


async def asynchronous(path: str) -> None:
    async with sealbuf.aio.connect(path) as store:
        buffer = await store.put(b"x", "a")
        async with store.create("c", nbytes=10) as writer:
            writer.memoryview()[:2] = b"ab"
        writer = await store.create(nbytes=3)
        use((await writer.seal(2)).nbytes, buffer.name)
        use(await store.get_or_create("n", lambda: b"made"))

        async def factory() -> bytes:
            return b"x"

        use(await store.get_or_create("n", factory))
        async for event in store.watch("x"):
            use(event.kind)
        use(
            await store.get_many(["a"]),
            await store.list("a"),
            await store.holders(),
            await store.stats(),
        )
        use(await store.get_object("a"), await store.take("a"), await store.ping())


def arrow(path: str) -> None:
    client = plasma.connect(path)
    key = plasma.ObjectID.from_random()
    data = client.create(key, 100, b"")
    use(data)
    client.seal(key)
    use(client.get_buffers([key]), client.get(key), client.list(), client.evict(3))
    client.subscribe()
    use(client.get_next_notification(), client.store_capacity(), client.get_notification_socket())
    client.delete([key])
    client.disconnect()
    with plasma.start_plasma_store(1 << 20) as (name, process):
        use(name, process.pid)


def serving() -> None:
    with sealbuf.serve() as served:
        use(served)
    try:
        sealbuf.connect("x")
    except (sealbuf.NoDaemon, sealbuf.Error) as error:
        use(error)
