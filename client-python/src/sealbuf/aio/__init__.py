"""The store for asyncio: the verbs of `sealbuf.Store`, to be awaited.

What the shared catalog answers is read in the event loop, without a system call. Whatever waits for
something (a name, room, somebody else's factory) waits as a session that the event loop watches, so
a thousand waits take no thread. Everything else is one round trip, in one of a few threads.
"""

from sealbuf.aio._connect import connect
from sealbuf.aio._store import Store
from sealbuf.aio._watch import Watch
from sealbuf.aio._writer import Writer

__all__ = ["Store", "Watch", "Writer", "connect"]
