"""A daemon that has done before what tests count."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.daemon import Daemon, running
from harness.producer import published
from harness.raw import frame
from harness.uids import Uid

WARM_UP_REQUESTS = 10_000
WARM_UP_GLUED = 250


@contextmanager
def warmed() -> Iterator[Daemon]:
    with running() as started:
        _warm_up(started)
        yield started
        assert started.alive(), f"status={started.process.returncode}\n{started.log}"


def _warm_up(daemon: Daemon) -> None:
    """Makes the JVM load what it needs and touch its heap, so that neither counts in a test."""
    with daemon.open(Uid.PRODUCER) as client:
        for _ in range(WARM_UP_REQUESTS // WARM_UP_GLUED):
            client.send(frame(client.head("ping")) * WARM_UP_GLUED)
            for _ in range(WARM_UP_GLUED):
                client.read()
            with published(client, "warm-up", bytes(WARM_UP_GLUED)):
                client.expect("opened", "open", name="warm-up").close()
                client.expect("already_exists", "put", b"", name="warm-up")
            client.expect("published", "put", b"", name="warm-up")
            client.expect("deleted", "delete", name="warm-up")
            client.expect("invalid_name", "open", name="")
