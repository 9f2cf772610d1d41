"""A daemon that is killed in the middle of a store leaves a catalog in which everything is true.

Invariant: a word is stored once and a record is complete before it; so whatever instruction was the
last, each live word leads to a whole record with its payload. Readers never see anything else, they
never wait for a dead daemon, and its catalog never answers them.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import Any

import pytest

import sealbuf
from harness.daemon import Daemon, running
from harness.marked import check, marked
from harness.raw import ClosedByDaemonError, RawClient
from harness.scan import Scan
from harness.uids import Uid
from harness.workers import Channel, Worker, worker

WRITERS = 2
READERS = 3
NAMES = 400
SIZES = (28, 100, 1000, 5000)
AFTERWARDS = 2
DEADLINE = 0.5


def name_of(writer: int, number: int) -> str:
    return f"hot/{writer}/{number % NAMES}"


def write_on(path: str, writer: int, channel: Channel) -> None:
    """Publishes and deletes, many requests at once, until the daemon is gone."""
    client = RawClient.connect_here(path)
    client.hello().close()
    channel.say("writing")
    sent = 0

    def requests() -> Iterator[tuple[dict[str, Any], bytes]]:
        nonlocal sent
        for sent in count():
            name = name_of(writer, sent)
            yield client.head("delete", name=name), b""
            yield client.head("put", name=name), marked(name, sent, SIZES[sent % len(SIZES)])

    try:
        for _ in client.ask_all(requests()):
            pass
    except (ClosedByDaemonError, ConnectionError):
        channel.say(sent)


def read_on(path: str, reader: int, channel: Channel) -> None:
    """Gets and checks until the daemon is gone, and a few times more."""
    rng = random.Random(reader)
    kept: dict[str, memoryview] = {}
    after: list[float] = []
    answers = 0
    with sealbuf.connect(path, timeout=DEADLINE) as store:
        channel.say("reading")
        while len(after) < AFTERWARDS:
            name = name_of(rng.randrange(WRITERS), rng.randrange(NAMES))
            start = time.monotonic()
            try:
                kept[name] = store.get(name).memoryview()
                check(name, kept[name])
            except sealbuf.NotFound:
                pass
            except sealbuf.Disconnected:
                after.append(time.monotonic() - start)
            else:
                assert not after, f"the catalog of a dead daemon answered: name={name}"
            answers += 1
        for name, view in kept.items():
            check(name, view)
    channel.say([answers, len(kept), max(after)])


def assert_all_is_whole(scan: Scan) -> int:
    seen = set()
    for record, payload in scan.published():
        assert record.name not in seen, f"a name has two words: name={record.name}"
        seen.add(record.name)
        check(record.name, payload)
    return len(seen)


def killed_under_load(daemon: Daemon, seconds: float) -> tuple[int, int]:
    """How many answers readers had, and how many names a scan of the dead catalog found."""
    with ExitStack() as stack:
        scan = Scan(stack.enter_context(RawClient.connect(daemon.path)))

        def started(work: Callable[[Channel], None], uid: int) -> Worker:
            return stack.enter_context(worker(work, uid))

        writers = [started(partial(write_on, daemon.path, n), Uid.PRODUCER) for n in range(WRITERS)]
        readers = [started(partial(read_on, daemon.path, n), Uid.READER) for n in range(READERS)]
        for each in writers:
            each.expect("writing")
        for each in readers:
            each.expect("reading")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            scan.refresh()
        daemon.kill()
        answers = 0
        for each in readers:
            answered, kept, slowest = each.hear()
            assert kept > 0
            assert slowest < 10 * DEADLINE, f"a reader hung: seconds={slowest}"
            answers += answered
            each.finish()
        for each in writers:
            assert each.hear() > 0
            each.finish()
        return answers, assert_all_is_whole(scan)


@pytest.mark.shows(53)
@pytest.mark.one_version
@pytest.mark.timeout(300)
def test_a_daemon_may_be_killed_in_the_middle_of_any_store(
    rounds: Callable[..., int], rng: random.Random, measured: Callable[[str], None]
) -> None:
    answers = found = 0
    for _ in range(rounds(100)):
        with running() as daemon:
            more, names = killed_under_load(daemon, 0.2 + rng.random() / 4)
            answers, found = answers + more, found + names
    measured(f"answers={answers} names found in dead catalogs={found}")
    assert answers > 10_000
    assert found > 0, "the dead catalog said nothing, so nothing was judged"
