"""The second run of the safety tests: what a test creates is made of memory that was at hand.

With `--prepared` every create of the raw client is preceded by creates of the same size on another
session, until the daemon says that a segment is ready for the next. A create that the daemon would
refuse in any case, or has no room to prepare for, goes on as it is.
"""

import os
import time
from typing import Any

from harness.uids import Uid

SIZE_MAX = 64 << 20
PATIENCE = 0.2
"""Seconds; a small store prepares nothing."""

enabled = False


def _another(client: Any) -> Any:
    """A session beside it, of a producer: this process, if it is one already."""
    kind, path = type(client), client.connection.getpeername()
    if os.geteuid() == 0:
        return kind.open(path, Uid.PRODUCER)
    other = kind.connect_here(path)
    other.hello().close()
    return other


def before_create(client: Any, fields: dict[str, Any]) -> None:
    """Has the memory made that this request is about to ask for."""
    nbytes = fields.get("nbytes")
    if not enabled or type(nbytes) is not int or not 0 < nbytes <= SIZE_MAX:
        return
    with _another(client) as other:
        head_start = other.stats()["prepared"]
        for _ in range(2):
            lent = other.request("create", nbytes=nbytes)
            if lent.kind != "lent":
                return
            lent.close()
            other.ask("abort", buffer=lent["buffer"])
        deadline = time.monotonic() + PATIENCE
        while other.stats()["prepared"] < max(head_start, 1):
            if time.monotonic() > deadline:
                return
            time.sleep(0.001)
