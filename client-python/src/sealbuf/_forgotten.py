"""What a session has to tell its daemon when it asks for something next.

Finalizers add to it, at any moment and from any thread: so it takes no lock, and nothing iterates
over it.
"""

from collections import deque
from typing import Any, TypeAlias

Orphan: TypeAlias = tuple[str, dict[str, Any]]
"""A request whose reply nobody waits for: `op` and fields."""

BATCH = 256
"""Most of them that travel with one request: the replies to them must fit a socket."""


class Forgotten:
    """Buffers that nobody will ask for any more, unfinished and published ones."""

    def __init__(self) -> None:
        self._orphans: deque[Orphan] = deque()

    def __bool__(self) -> bool:
        return bool(self._orphans)

    def unfinished(self, buffer: int) -> None:
        self._orphans.append(("abort", {"buffer": buffer}))

    def published(self, name: str, buffer: int) -> None:
        self._orphans.append(("delete", {"name": name, "buffer": buffer}))

    def pop(self) -> list[Orphan]:
        """The oldest of them, one by one: garbage may be collected at each step, and add more."""
        popped: list[Orphan] = []
        while self._orphans and len(popped) < BATCH:
            popped.append(self._orphans.popleft())
        return popped

    def put_back(self, popped: list[Orphan]) -> None:
        self._orphans.extendleft(reversed(popped))
