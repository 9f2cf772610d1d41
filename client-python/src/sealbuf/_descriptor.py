"""A file descriptor that is closed exactly once."""

import os
from weakref import WeakSet


class Descriptor:
    """Owns a file descriptor. One that is dropped is closed too, so that no error path leaks it."""

    __slots__ = ("__weakref__", "_number")

    def __init__(self, number: int) -> None:
        self._number = number
        _alive.add(self)

    def fileno(self) -> int:
        if self._number < 0:
            raise ValueError("descriptor is closed")
        return self._number

    def close(self) -> None:
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def __enter__(self) -> "Descriptor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Descriptor {self._number if self._number >= 0 else 'closed'}>"


_alive: "WeakSet[Descriptor]" = WeakSet()


def after_fork() -> None:
    """In a forked child: whatever the parent's threads were about to do with theirs, they do."""
    for descriptor in list(_alive):
        descriptor.close()
