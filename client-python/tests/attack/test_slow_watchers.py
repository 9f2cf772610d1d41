"""A watcher that never reads costs a bounded queue, and nobody else an event.

Invariant: what waits for a session that does not read is bounded; past it the daemon drops events,
says so with one `overflow`, and goes on. Watchers that read lose nothing and wait for nobody.
"""

import json
import time
from collections.abc import Callable
from functools import partial

import pytest

from harness.bystander import overcommitment
from harness.daemon import Daemon
from harness.raw import RawClient, Reply
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(19),
    pytest.mark.one_version,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("undisturbed"),
]

EVENTS = 1_000_000
AT_ONCE = 50
NAMES = [f"watched/{number}" for number in range(AT_ONCE // 2)]
LAST = "watched/last"
WATCH_BYTES = 256 << 10
SOCKET_BYTES = 1 << 20
"""More than the kernel keeps for a socket whose peer does not read."""
LATE_SECONDS = 0.010


def count_events(path: str, batches: int, channel: Channel) -> None:
    """Says after each batch of events that it was whole, and at the end how late they came."""
    client = RawClient.connect_here(path)
    client.hello().close()
    client.expect("watching", "watch", prefix="watched/")
    channel.say("watching")
    lateness = []
    for _ in range(batches):
        events = [client.read() for _ in range(AT_ONCE)]
        assert [(event["kind"], event["name"]) for event in events] == [
            (kind, name) for kind in ("sealed", "deleted") for name in NAMES
        ]
        lateness.append(time.time() - events[0]["created"] / 1e6)
        channel.say("whole")
    channel.say(sorted(lateness)[batches * 99 // 100])


def change_all(producer: RawClient) -> None:
    """One batch of events."""
    puts = [(producer.head("put", name=name), b"") for name in NAMES]
    deletes = [(producer.head("delete", name=name), b"") for name in NAMES]
    kinds = [reply.kind for reply in producer.ask_all([*puts, *deletes])]
    assert kinds == ["published"] * len(NAMES) + ["deleted"] * len(NAMES)


def backlog_of(slow: RawClient) -> list[Reply]:
    """What was kept for it, up to the event which says that there was more."""
    events = [slow.read()]
    while events[-1]["kind"] != "overflow":
        events.append(slow.read())
    return events


def test_a_watcher_that_does_not_read_loses_events_and_nobody_else_does(
    daemon: Daemon, rounds: Callable[..., int], measured: Callable[[str], None]
) -> None:
    batches = rounds(EVENTS) // AT_ONCE
    with (
        daemon.open(Uid.ATTACKER) as slow,
        daemon.open(Uid.PRODUCER) as producer,
        worker(partial(count_events, daemon.path, batches), Uid.READER) as attentive,
    ):
        slow.expect("watching", "watch", prefix="watched/")
        attentive.expect("watching")
        for _ in range(batches):
            change_all(producer)
            attentive.expect("whole")
        late = attentive.hear()
        attentive.finish()
        measured(f"events={batches * AT_ONCE} p99 of the attentive={late * 1000:.2f} ms")
        assert late < LATE_SECONDS * overcommitment()

        kept = backlog_of(slow)
        assert {event["kind"] for event in kept[:-1]} == {"sealed", "deleted"}
        assert len(kept) < batches * AT_ONCE
        assert sum(len(json.dumps(event.head)) for event in kept) < WATCH_BYTES + SOCKET_BYTES

        # It was not disconnected, and sees what happens from now on.
        producer.expect("published", "put", b"", name=LAST)
        event = slow.read()
        assert (event["kind"], event["name"]) == ("sealed", LAST)
        producer.expect("deleted", "delete", name=LAST)
