"""A name that another process deleted or replaced just before is seen so, every time.

Invariant: a get that starts after the acknowledgement returns the new content, or NotFound; never
what was there before, although the reader has it mapped and looked at it a moment ago.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("undisturbed")]

ROUNDS = 10_000
NAME = "changed"
SMALL, LARGE = 200, 300 << 10
LARGE_EVERY = 10

ABSENT = -1


def look_when_told(path: str, channel: Channel) -> None:
    """For each message: gets the name, keeps what it got, and says which publication it was."""
    kept: list[sealbuf.Buffer] = []
    with sealbuf.connect(path, timeout=60) as store:
        while channel.hear() == "look":
            try:
                buffer = store.get(NAME)
                kept = [buffer, *kept[:3]]
                seen = check(NAME, buffer.memoryview())
                assert NAME in store
            except sealbuf.NotFound:
                seen = ABSENT
                assert NAME not in store
            channel.say(seen)


def publish(client: RawClient, number: int, *, large: bool, replace: bool) -> None:
    fields: dict[str, Any] = {"replace": True} if replace else {}
    if not large:
        content = marked(NAME, number, SMALL + number % 1000)
        client.expect("published", "put", content, name=NAME, **fields)
        return
    lent = client.expect("lent", "create", name=NAME, nbytes=LARGE, **fields)
    assert os.pwrite(lent.descriptors[0], marked(NAME, number, LARGE), 0) == LARGE
    lent.close()
    client.expect("published", "seal", buffer=lent["buffer"])


def changes(client: RawClient, rounds: int) -> Iterator[int]:
    """Replaces and deletes by turns; after each acknowledgement, what the name means now."""
    present = False
    for number in range(rounds):
        if present and number % 3 == 2:
            client.expect("deleted", "delete", name=NAME)
            present = False
            yield ABSENT
        else:
            publish(client, number, large=number % LARGE_EVERY == 0, replace=present)
            present = True
            yield number


@pytest.mark.one_version
def test_what_another_process_changed_just_before_is_seen_changed(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    with (
        daemon.open(Uid.PRODUCER) as producer,
        worker(partial(look_when_told, daemon.path), Uid.READER) as reader,
    ):
        for meant in changes(producer, rounds(ROUNDS, small=ROUNDS)):
            reader.say("look")
            reader.expect(meant)
        reader.say("enough")
        reader.finish()
        producer.ask("delete", name=NAME)
