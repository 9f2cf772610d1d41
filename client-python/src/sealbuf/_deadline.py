"""How long a call may take, in seconds of the monotonic clock.

A call that waits for something (a name, room) has the timeout that its caller gave. The daemon is
told to answer when that has passed; a *grace* on top leaves its answer time to arrive, so that
only a daemon that does not answer at all is given up on by the client itself.
"""

from math import ceil, inf
from threading import TIMEOUT_MAX
from time import monotonic

from sealbuf._errors import InvalidRequest
from sealbuf._limits import WAIT_MAX

GRACE, GRACE_SHARE, GRACE_MAX = 0.05, 0.05, 5.0
"""By how much a daemon's answer may be late: seconds, and a share of the timeout up to a bound."""

_POLL_MAX = 2**31 - 1


class Deadline:
    """A moment, or never: with `timeout` None."""

    __slots__ = ("_at", "_due", "timeout")

    def __init__(self, timeout: float | None, grace: float = 0.0) -> None:
        self.timeout = timeout
        self._due = inf if timeout is None else monotonic() + timeout
        self._at = self._due + grace

    @classmethod
    def of_waiting(cls, timeout: float) -> "Deadline":
        """That of a call which waits up to `timeout` seconds; `math.inf`: for ever."""
        if not timeout >= 0:  # which NaN is not either
            raise InvalidRequest(f"timeout out of bounds: timeout={timeout} min=0")
        return cls(timeout, GRACE + min(timeout * GRACE_SHARE, GRACE_MAX))

    def extend(self, seconds: float) -> None:
        """What the caller's own work took is not the daemon's time."""
        self._due += seconds
        self._at += seconds

    @property
    def left(self) -> float:
        """Seconds, 0 at the least. What threading takes is finite, and so is this."""
        return min(max(0.0, self._at - monotonic()), TIMEOUT_MAX)

    @property
    def passed(self) -> bool:
        return self._at <= monotonic()

    @property
    def wait_left(self) -> float:
        """Seconds without the grace, 0 at the least."""
        return max(0.0, self._due - monotonic())

    @property
    def wait_millis(self) -> int:
        """What the daemon is told to wait: at least one, since 0 is not to wait."""
        return max(1, ceil(min(self.wait_left * 1000, WAIT_MAX)))

    @property
    def poll_millis(self) -> float:
        left = (self._at - monotonic()) * 1000
        return left if 0 < left < _POLL_MAX else min(max(0.0, left), _POLL_MAX)
