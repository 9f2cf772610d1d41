"""A store's line to a succession of scripted daemons: each has a catalog made by hand."""

import os
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import sealbuf
from helpers import segments
from helpers.peer import Peer
from helpers.segments import CATALOG, CATALOG_BYTES, SLAB, HandMade
from sealbuf import _layout as layout
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._dial import hello
from sealbuf._link import Link
from sealbuf._reply import Reply
from sealbuf._store import Store


class FakeDaemon:
    """What one daemon says. Several sessions with it share its catalog."""

    def __init__(self, made: HandMade, number: int) -> None:
        self.made = made
        self.number = number

    def session(self, timeout: float) -> "FakeSession":
        return FakeSession(self, timeout)

    def die(self) -> None:
        self.made.set_header(owner=layout.OWNER_DIED)


class FakeSession:
    """Replies are written before their requests: the socket keeps them."""

    def __init__(self, daemon: FakeDaemon, timeout: float) -> None:
        self.daemon = daemon
        self.peer = Peer(timeout)
        self.seq = 0
        self.answer(
            "welcome", [daemon.made.catalog],
            server="0.1.0", daemon=f"{daemon.number:016x}", session=1, uid=20001,
            namespace="default", catalog=CATALOG, catalog_bytes=CATALOG_BYTES,
        )  # fmt: skip

    def answer(self, reply: str, brought: list[segments.Memfd] | None = None, **head: Any) -> None:
        self.seq += 1
        with ExitStack() as stack:
            opened = [segment.open() for segment in brought or []]
            for fd in opened:
                stack.callback(os.close, fd)
            self.peer.reply({"reply": reply, "seq": self.seq, **head}, opened)

    def mapped(self) -> None:
        slab = self.daemon.made.slab
        self.answer("mapped", [slab], segment=SLAB, segment_bytes=layout.SLAB_BYTES)

    def published(self, name: str, *, record: int = 0, version: int = 1) -> None:
        place: dict[str, Any] = {"slab": SLAB, "slab_bytes": layout.SLAB_BYTES, "record": record}
        self.answer("published", name=name, buffer=1, version=version, created=1, **place)

    def error(self, code: str, message: str) -> None:
        self.answer("error", code=code, message=message)

    def end(self) -> None:
        """No more than was said, and no reading either."""
        self.peer.socket.close()

    def end_after_request(self) -> None:
        """The end of the stream, from which what arrives can still be read."""
        self.peer.socket.shutdown(1)

    def asked(self) -> list[str]:
        return [frame.head["op"] for frame in self.peer.requests()]


class Line:
    """Where sessions come from, in the order in which they were set up; then nobody listens."""

    def __init__(self, timeout: float = 5.0) -> None:
        self.timeout = timeout
        self.dialled = 0
        self.when_dialled: Callable[[], object] = bool
        self._waiting: deque[FakeSession] = deque()
        self._all: list[FakeSession] = []
        self._stack = ExitStack()
        self._daemons = 0

    def daemon(self) -> FakeDaemon:
        self._daemons += 1
        made = self._stack.enter_context(segments.catalog(self._daemons))
        return FakeDaemon(made, self._daemons)

    def session(self, daemon: FakeDaemon) -> FakeSession:
        made = daemon.session(self.timeout)
        self._waiting.append(made)
        self._all.append(made)
        return made

    def dial(self, deadline: Deadline) -> tuple[Connection, Reply]:
        self.dialled += 1
        self.when_dialled()
        if not self._waiting:
            raise sealbuf.NoDaemon("nobody listens at the socket: socket=peer error=none")
        connection = self._waiting.popleft().peer.connection
        return connection, hello(connection, "default", deadline)

    def store(self) -> Store:
        return Store(Link("peer", self.dial, self.timeout))

    def close(self) -> None:
        for session in self._all:
            session.peer.close()
        self._stack.close()
