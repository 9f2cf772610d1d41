"""One line of a listing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sealbuf._buffer import utc


@dataclass(frozen=True, slots=True)
class Entry:
    """What `Store.list` says of a buffer. `owner` is the publisher's uid, `created` in UTC."""

    name: str
    version: int
    nbytes: int
    format: str
    shape: tuple[int, ...]
    owner: int
    created: datetime

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Entry":
        """From an entry as it came, already checked."""
        return cls(
            fields["name"],
            fields["version"],
            fields["nbytes"],
            fields["format"],
            tuple(fields["shape"]),
            fields["owner"],
            utc(fields["created"]),
        )
