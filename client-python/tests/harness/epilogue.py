"""The common epilogue: whatever was tried, the daemon is as it was and nobody else noticed.

The daemon is the same process; a bystander's pings were answered in time; two seconds after the
end its descriptors, its mappings of shared memory, the account and the shared memory that it keeps
are what they were, or less. Slabs are append-only, so a test may leave a new slab behind: what they
take is subtracted on both sides. So is what the daemon has ready for the next large buffer.

The shared memory is that of the memfds which the daemon has open, exactly; without root nobody may
look there.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from harness.bystander import RESOLUTION, beside
from harness.daemon import Daemon
from harness.process import counts, memfd_bytes
from harness.uids import Uid

SETTLE_SECONDS = 2.0
RSS_SLACK = (56 + 32) << 20
"""What the heap (-Xms16m) grows into with the clients of these tests, though it might with more,
and the code of both compilers with what they need for a moment to make it: after a million bad
frames 11 MiB and up to 15. A leak outside of that shows."""


@dataclass(frozen=True)
class Footprint:
    descriptors: int
    memfd_mappings: int
    used: int
    unfinished: int
    sessions: int
    shared_memory: int
    rss_anon: int

    @classmethod
    def of(cls, daemon: Daemon) -> "Footprint":
        with daemon.open(Uid.READER) as observer:
            stats = observer.stats()
            seen, held = counts(daemon.pid), memfd_bytes(daemon.pid)
        own = stats["slabs"] + stats["prepared"]
        own_bytes = stats["slab_bytes"] + stats["prepared_bytes"]
        return cls(
            descriptors=(seen.descriptors or 0) - own,
            memfd_mappings=(seen.memfd_mappings or 0) - stats["slabs"],
            used=stats["used"] - stats["slab_bytes"],
            unfinished=stats["unfinished"],
            sessions=stats["sessions"],
            shared_memory=(held or 0) - own_bytes,
            rss_anon=seen.rss_anon,
        )

    def differences(self, start: "Footprint") -> list[str]:
        """What is not as at the start."""
        exact = [name for name in asdict(self) if name != "rss_anon"]
        found = [name for name in exact if getattr(self, name) != getattr(start, name)]
        if self.rss_anon - start.rss_anon > RSS_SLACK:
            found.append("rss_anon")
        return [f"{name}: start={getattr(start, name)} end={getattr(self, name)}" for name in found]

    def growth(self, start: "Footprint") -> list[str]:
        """What is more than at the start. Less was there before: a handle that an earlier test sent
        and nobody opened keeps its segment for a minute, and may lapse meanwhile."""
        least = {name: min(value, getattr(start, name)) for name, value in asdict(self).items()}
        return self.differences(Footprint(**least))


def _quiet(daemon: Daemon) -> Footprint:
    """The start: what stays the same for a moment, when what came before has been cleaned up.

    This process was a client in the tests before: views in its cyclic garbage hold segments, which
    would go in the middle of the next test.
    """
    gc.collect()
    deadline = time.monotonic() + SETTLE_SECONDS
    last = Footprint.of(daemon)
    while True:
        time.sleep(0.01)
        now = Footprint.of(daemon)
        if now.differences(last) == [] or time.monotonic() > deadline:
            return now
        last = now


def _settled(daemon: Daemon, start: Footprint) -> list[str]:
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        left = Footprint.of(daemon).growth(start)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


@contextmanager
def undisturbed(
    daemon: Daemon,
    resolution: int = RESOLUTION,
    properties: list[tuple[str, object]] | None = None,
) -> Iterator[None]:
    """Runs an attack and checks the epilogue behind it; what the bystander saw is a property."""
    start = _quiet(daemon)
    with beside(daemon.path) as bystander:
        yield
        latency = bystander.finish()
    if properties is not None:
        properties.append(("bystander", latency))
    assert daemon.alive(), f"the daemon died: status={daemon.process.returncode}\n{daemon.log}"
    left = _settled(daemon, start)
    assert not left, f"the daemon did not come back to its start: {'; '.join(left)}"
    latency.check(resolution)
