"""Where a buffer came from: what it takes to find it again, from another process too.

A get makes a Buffer of what is mapped already, and should not pay for what only pickling needs. So
the memory in which a Buffer's record lies knows it: the mapping of the slab, or the record that
this process made itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from sealbuf._link import Link


@dataclass(frozen=True, slots=True)
class Origin:
    """A session, seen from its buffers, which must not keep it alive."""

    daemon: str
    socket: str
    namespace: str
    link: "Callable[[], Link | None]"
    """None when it is gone."""


class OwnRecord(bytes):
    """The record of a buffer that this process published itself, made from the reply."""

    origin: Origin

    @classmethod
    def of(cls, origin: Origin, record: bytes) -> Self:
        made = cls(record)
        made.origin = origin
        return made
