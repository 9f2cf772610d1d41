"""One line of what `Store.holders` tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that was handed a segment, and what is known of it.

    `kind` is `catalog`, `slab` or `dedicated`; `segment` its number, `nbytes` its size. `name` is
    that of the buffer in a dedicated segment, and empty for the others, which many share.
    `deleted`: no name leads to it any more. `session`, `uid`, `pid` and `client` say who was handed
    it.

    `state` is `mapped` (seen in the process's memory map), `may hold` (the daemon cannot look
    there), `gone` (the session has ended, and somebody still holds the segment) or `unknown`
    (somebody holds it whom the daemon never handed it to; `session`, `uid` and `pid` are 0 then).
    """

    kind: str
    segment: int
    nbytes: int
    name: str
    deleted: bool
    session: int
    uid: int
    pid: int
    client: str
    state: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Holder":
        """From a row as it came, already checked."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})
