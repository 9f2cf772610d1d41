"""On what terms a buffer is published."""

from math import ceil
from typing import Any, Literal, NamedTuple, TypeAlias

from sealbuf._errors import InvalidRequest
from sealbuf._limits import TTL_MAX

Lifetime: TypeAlias = Literal["session"]


class Terms(NamedTuple):
    """Whether it may replace one of its name, how many milliseconds it lives (None: on), whether it
    ends with its session, and the reservation of its name, if there is one."""

    replace: bool = False
    ttl: int | None = None
    session: bool = False
    reservation: int | None = None

    @classmethod
    def of(cls, replace: bool, ttl: float | None, lifetime: Lifetime | None) -> "Terms":
        """With the time to live in seconds, as users say it."""
        if ttl is not None and not 0 < ttl <= TTL_MAX / 1000:
            raise InvalidRequest(f"ttl out of bounds: ttl={ttl} above=0 max={TTL_MAX // 1000}")
        if lifetime not in (None, "session"):
            raise InvalidRequest(f"no such lifetime: lifetime={lifetime!r} known='session'")
        return cls(replace, None if ttl is None else ceil(ttl * 1000), lifetime is not None)

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "replace": self.replace,
            "ttl": self.ttl,
            "session": self.session,
            "buffer": self.reservation,
        }
