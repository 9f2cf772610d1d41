"""How a program gets to a Store."""

import asyncio
import os
from functools import partial

import sealbuf
from sealbuf.aio._opening import Opening
from sealbuf.aio._store import Store
from sealbuf.aio._threads import Threads


def connect(
    socket: str | os.PathLike[str] | None = None,
    *,
    namespace: str = "default",
    timeout: float | None = 5.0,
) -> Opening[Store]:
    """Connects to the daemon: `async with connect() as store`, or `store = await connect()`.

    As `sealbuf.connect`: `timeout` is the deadline of connecting and of every later call that does
    not take its own.
    """

    async def opened() -> Store:
        threads = Threads()
        call = partial(sealbuf.connect, socket, namespace=namespace, timeout=timeout)
        try:
            return Store(await threads.run(call, undo=sealbuf.Store.close), threads)
        except asyncio.CancelledError:
            threads.leave()
            raise
        except BaseException:
            await threads.close()
            raise

    return Opening(opened)
