"""What a get returns is whole, and it is what the name means now.

Invariant: a get that starts after a publication was acknowledged returns that one or a later one,
and none that was not yet asked for; its bytes are those of one publication. So it is while names
are replaced without a pause, by small buffers and by segments of their own, while the catalog grows
and shrinks behind them, and while sparse slabs are copied together.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

import sealbuf
from harness.counters import Counters
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(5),
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("undisturbed"),
]

READERS = 8
HOT = [f"hot/{number}" for number in range(16)]
SIZES = (28, 200, 1000, 6000)
LARGE = 300 << 10
LARGE_EVERY = 100

GROWING = 4000
"""Names that come and go beside the hot ones; the first SPARED of them stay a turn longer."""
SPARED = 40

COMMITS = READS = 1_000_000
READS_A_COMMIT = 2


class Board:
    """Of each hot name, the number asked for last and the number acknowledged last."""

    def __init__(self) -> None:
        self.asked, self.acknowledged = Counters(len(HOT)), Counters(len(HOT))
        self.commits, self.reads, self.growths = Counters(1), Counters(READERS), Counters(1)


def publish_large(client: RawClient, name: str, number: int) -> None:
    lent = client.expect("lent", "create", name=name, nbytes=LARGE, replace=True)
    with open(lent.descriptors[0], "wb", buffering=0, closefd=False) as file:
        file.write(marked(name, number, LARGE))
    lent.close()
    client.expect("published", "seal", buffer=lent["buffer"])


def replace_on(path: str, board: Board, channel: Channel) -> None:
    """Replaces hot names until told to stop, many requests at once."""
    client = RawClient.connect_here(path)
    client.hello().close()
    channel.say("replacing")
    number = board.commits[0]

    def small() -> Iterator[tuple[dict[str, Any], bytes]]:
        nonlocal number
        for _ in range(LARGE_EVERY):
            number += 1
            index = number % len(HOT)
            nbytes = SIZES[number // len(HOT) % len(SIZES)]
            board.asked[index] = number
            yield (
                client.head("put", name=HOT[index], replace=True),
                marked(HOT[index], number, nbytes),
            )

    while not channel.told():
        for answered, reply in enumerate(client.ask_all(small()), board.commits[0] + 1):
            assert reply.kind == "published", reply.head
            board.acknowledged[answered % len(HOT)] = answered
        number += 1
        board.asked[number % len(HOT)] = number
        publish_large(client, HOT[number % len(HOT)], number)
        board.acknowledged[number % len(HOT)] = board.commits[0] = number


def grow_and_shrink_on(path: str, board: Board, channel: Channel) -> None:
    """Publishes thousands of names and deletes all but a few: tables and slabs come and go."""
    client = RawClient.connect_here(path)
    client.hello().close()
    channel.say("growing")
    left: list[str] = []
    while not channel.told():
        names = [f"grown/{number}" for number in range(GROWING)]
        for op, chosen in (("delete", left), ("put", names), ("delete", names[SPARED:])):
            payload = b"grown" * 100 if op == "put" else b""
            for reply in client.ask_all((client.head(op, name=name), payload) for name in chosen):
                assert reply.kind in ("published", "deleted"), reply.head
        left = names[:SPARED]
        board.growths[0] += 1
    for name in left:
        client.expect("deleted", "delete", name=name)


def read_on(path: str, board: Board, reader: int, channel: Channel) -> None:
    rng = random.Random(reader)
    with sealbuf.connect(path, timeout=60) as store:
        channel.say("reading")
        while not channel.told():
            for index in rng.choices(range(len(HOT)), k=50):
                name = HOT[index]
                least = board.acknowledged[index]
                found = check(name, store.get(name).memoryview())
                most = board.asked[index]
                assert least <= found <= most, f"stale or early: {name=} {least=} {found=} {most=}"
            board.reads[reader] += 50
            if board.reads.total() > READS_A_COMMIT * board.commits[0]:
                time.sleep(0.01)  # so that the writers get their turn


def put_all(client: RawClient, board: Board) -> None:
    for index, name in enumerate(HOT):
        client.expect("published", "put", marked(name, index, 100), name=name)
        board.asked[index] = board.acknowledged[index] = index
    board.commits[0] = len(HOT)


@pytest.mark.one_version
def test_no_read_is_torn_mixed_stale_or_early(
    daemon: Daemon, rounds: Callable[..., int], measured: Callable[[str], None]
) -> None:
    board = Board()
    with daemon.open(Uid.PRODUCER) as owner, ExitStack() as stack:
        put_all(owner, board)
        work = [
            (Uid.PRODUCER, partial(replace_on, daemon.path, board)),
            (Uid.PRODUCER, partial(grow_and_shrink_on, daemon.path, board)),
            *((Uid.READER, partial(read_on, daemon.path, board, n)) for n in range(READERS)),
        ]
        workers = [stack.enter_context(worker(function, uid)) for uid, function in work]
        for each in workers:
            each.hear()
        while (
            board.commits.total() < rounds(COMMITS)
            or board.reads.total() < rounds(READS)
            or board.growths[0] < 3
        ):
            ended = [each.pid for each in workers if each.heard()]
            assert not ended, f"a worker failed: pids={ended}"
            time.sleep(0.05)
        for each in workers:
            each.say("stop")
        for each in workers:
            each.finish()
        stats = owner.stats()
        for name in HOT:
            owner.expect("deleted", "delete", name=name)
    measured(
        f"commits={board.commits.total()} reads={board.reads.total()}"
        f" growths={board.growths.total()} slabs={stats['slabs']} used={stats['used']}"
    )


def test_the_judge_sees_stale_and_mixed_content() -> None:
    """The negative control: a reader that keeps what it found is caught, and so are two halves."""
    board = Board()
    name = HOT[0]
    kept = marked(name, 7, 1000)
    board.acknowledged[0] = 8
    assert check(name, kept) < board.acknowledged[0]
    newer = marked(name, 8, 1000)
    for mixed in (kept[:500] + newer[500:], kept[:-1], newer[:999] + b"x", marked(HOT[1], 8, 1000)):
        with pytest.raises(AssertionError, match="torn or mixed content"):
            check(name, mixed)
