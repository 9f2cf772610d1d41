"""What a peer must be able to do. The work is written against this, once for all peers.

A Peer is the server, or whatever holds the bytes; a Store is one process's way to them. What a peer
cannot do it leaves out: the call then raises Unable with the reason, which ends up in the results.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence


class Unable(Exception):
    """This peer has no such operation."""


class Store(ABC):
    """One connection, used by one thread. Names are short ASCII."""

    copies = False
    """Whether each get is a copy of its own."""

    @abstractmethod
    def put(self, name: str, data: memoryview) -> None:
        """Publishes a copy of the bytes under a name that is free."""

    @abstractmethod
    def get(self, name: str) -> memoryview:
        """The bytes of that name, by reference where the peer can; good until the next call."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Frees the name and its memory."""

    def look(self, names: Sequence[str]) -> None:
        """Gets each of the names and slices it, in as cheap a loop as there is."""
        for name in names:
            self.get(name)[:8]

    def ping(self) -> None:
        """The shortest round trip there is."""
        raise Unable("no server to ask")

    def put_many(self, items: Mapping[str, memoryview]) -> None:
        """Publishes all of them by the means made for that."""
        raise Unable("no batches")

    def put_all(self, items: Iterable[tuple[str, memoryview]]) -> None:
        """Publishes what other processes will look for; the views are good one after the other."""
        for name, data in items:
            self.put(name, data)

    def prepare(self, name: str, data: memoryview) -> Callable[[], None]:
        """Does what can be done before publishing; the rest is what is returned."""
        return lambda: self.put(name, data)

    def expect(self) -> None:
        """Another process is about to wait for what this one will publish."""

    def wait(self, name: str) -> memoryview:
        """The bytes of that name, as soon as another process has published them."""
        raise Unable("no way to wait for a name")

    def forget(self, name: str) -> None:
        """Deletes what was handed over under that name."""
        self.delete(name)

    def close(self) -> None:
        """Gives the connection back."""


class Delegating(Store):
    """A Store whose hand-offs another program publishes."""

    @abstractmethod
    def produce(self, prefix: str, nbytes: int, count: int, pause_ns: int) -> list[int]:
        """Publishes PREFIX/0, PREFIX/1 and so on, each after a pause: when each was published."""


class Peer(ABC):
    @abstractmethod
    def start(self) -> str:
        """Starts what serves, if anything does, and returns its address."""

    @abstractmethod
    def connect(self, address: str) -> Store:
        """This process's way to it."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Of all that takes part."""

    def settings(self) -> dict[str, str]:
        """What was set otherwise than by default."""
        return {}

    def servers(self) -> list[int]:
        """The processes that `start` started."""
        return []

    def stop(self) -> None:
        """Ends what `start` started."""
