"""A segment that the daemon lent along with a publication, for the next one: it saves a create.

A producer that puts one buffer after the other asks for it when two in a row had one size. The
daemon gives it if that costs nobody anything. It is for a put of just that size; it goes back when
another size is put, or nothing for a while.
"""

from time import monotonic
from typing import Any, NamedTuple

from sealbuf._forgotten import Forgotten
from sealbuf._reply import Reply

KEEP_SECONDS = 1.0
"""How long a spare may wait for its put; `protocol/PROTOCOL.md` asks for about a second."""


class Sealing(NamedTuple):
    """The request that publishes what was lent, but for the number of the loan."""

    op: str
    payload: bytes
    fields: dict[str, Any]


class _Spare(NamedTuple):
    loan: Reply
    nbytes: int
    since: float


class Spares:
    """Of one session: one spare at most. Any thread may call it at any time; it takes no lock."""

    def __init__(self, forgotten: Forgotten) -> None:
        self._forgotten = forgotten
        self._slot: list[_Spare] = []
        self._last = 0

    def wanted(self, nbytes: int) -> int | None:
        """The size to ask for along with a publication of that size."""
        last, self._last = self._last, nbytes
        return nbytes if nbytes == last and not self._slot else None

    def keep(self, published: Reply, nbytes: int) -> None:
        """Takes the segment that a `published_lent` brought, of the size that was asked for."""
        loan = Reply(
            "lent",
            {
                "name": "",
                "buffer": published["spare"],
                "nbytes": nbytes,
                "segment": published["segment"],
                "segment_bytes": published["segment_bytes"],
            },
            b"",
            published.descriptors,
        )
        self._slot.append(_Spare(loan, nbytes, monotonic()))

    def take(self, nbytes: int) -> Reply | None:
        """The spare, as a create would have lent it, if it is of that size."""
        spare = self._pop()
        if spare is None:
            return None
        if spare.nbytes == nbytes:
            return spare.loan
        self._give_back(spare)
        return None

    def look(self) -> None:
        """Gives back what was not used for a while."""
        spare = self._pop()
        if spare is None:
            return
        if monotonic() - spare.since < KEEP_SECONDS:
            self._slot.append(spare)
        else:
            self._give_back(spare)

    def close(self) -> None:
        """The session is over, and with it the loan."""
        spare = self._pop()
        if spare is not None:
            spare.loan.close()

    def _pop(self) -> _Spare | None:
        try:
            return self._slot.pop()
        except IndexError:
            return None

    def _give_back(self, spare: _Spare) -> None:
        spare.loan.close()
        self._forgotten.unfinished(spare.loan["buffer"])
