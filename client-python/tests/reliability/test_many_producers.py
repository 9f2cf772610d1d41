"""Many producers of one user put large payloads at the same moment, and none is turned away.

Invariant: the daemon keeps few unfinished payloads of one user at once; whoever finds no room waits
for it, with the bytes that were read too early, and is not disconnected for them.
"""

from contextlib import ExitStack
from functools import partial

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.raw import PUT_MAX, frame
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("undisturbed")]

PRODUCERS = 200
BEGINNING = 16 << 10
"""Of each frame, sent before any is finished: more than what is read of one that must wait."""


def test_producers_that_find_no_room_wait_for_it(daemon: Daemon) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(daemon.open(Uid.PRODUCER)) for _ in range(PRODUCERS)]
        frames = [
            frame(client.head("put", name=f"n{at}"), marked(f"n{at}", at, PUT_MAX))
            for at, client in enumerate(clients)
        ]
        for client, whole in zip(clients, frames, strict=True):
            client.send(whole[:BEGINNING])
        for client, whole in zip(clients, frames, strict=True):
            client.send(whole[BEGINNING:])
            assert client.read().kind == "published"
        with worker(partial(check_all, daemon.path), Uid.READER) as reader:
            assert reader.hear() == [*range(PRODUCERS)]
        for at, client in enumerate(clients):
            client.expect("deleted", "delete", name=f"n{at}")


def check_all(path: str, channel: Channel) -> None:
    with sealbuf.connect(path) as store:
        buffers = [store.get(f"n{at}") for at in range(PRODUCERS)]
        channel.say([check(f"n{at}", each.memoryview()) for at, each in enumerate(buffers)])
