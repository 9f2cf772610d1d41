"""Colliding names cost their owner a refusal, their neighbours a round trip, and others nothing.

Invariant: a name is looked for in 32 words and no more, whoever else has names there; names without
room there are known to the daemon alone, in limited number. All names here have one and the same
CRC-32: the worst case, in which even the tags in the words are equal.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import sealbuf
from harness.collisions import colliding
from harness.daemon import Daemon
from harness.loop import LoopClock
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.shows(52), pytest.mark.one_version]

CRC = 0x5EA1B0F5
INNOCENTS = 1000
TRIES = 100
SLOWER_MAX = 2
NEIGHBOURS = 20
WINDOW = 32
LOOP_MAX = 5
"""What a put costs the loop that meets 32 names of its own hash, in puts that meet none."""
ROUND_TRIPS_MAX = 15
"""What such a name may cost its reader, in pings: the records of 32 other names are compared, in
Python, before the daemon is asked. It does not grow with the flood."""


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}/{number}" for number in range(count)]


def told(client: RawClient, op: str, targets: list[str], payload: bytes = b"") -> Counter[str]:
    """Asks for all of them, many at once; how many replies there were of each kind."""
    return Counter(
        reply.kind
        for reply in client.ask_all((client.head(op, name=name), payload) for name in targets)
    )


def effort(work: Callable[[], object]) -> float:
    """How often a fixed piece of Python could run while `work` does; of many short tries of both
    the least disturbed. Relative, since a machine is slower at one time than at another.
    """

    def seconds(some: Callable[[], object]) -> float:
        start = time.perf_counter()
        some()
        return time.perf_counter() - start

    tries = [(seconds(yardstick), seconds(work)) for _ in range(TRIES)]
    return min(taken for _, taken in tries) / min(measure for measure, _ in tries)


def yardstick() -> int:
    return sum(hash(str(number)) & 1 for number in range(100))


def measure(path: str, channel: Channel) -> None:
    """The effort of a get of each name, of a miss of each and of a round trip, when told to."""
    with sealbuf.connect(path) as store:

        def gets(present: list[str]) -> None:
            for name in present:
                store.get(name)

        def misses(absent: list[str]) -> None:
            for name in absent:
                assert name not in store

        while order := channel.hear():
            present, absent = order
            got, missed = effort(partial(gets, present)), effort(partial(misses, absent))
            channel.say([got / len(present), missed / len(absent), effort(store.ping)])


@pytest.fixture
def crowded(daemon: Daemon) -> Iterator[RawClient]:
    """An attacker's connection; what it published goes at the end."""
    with daemon.open(Uid.ATTACKER) as attacker:
        yield attacker
        left = [entry["name"] for entry in attacker.entries("flood/")]
        assert told(attacker, "delete", left) in ({"deleted": len(left)}, {})


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("undisturbed")
def test_innocent_names_are_found_and_missed_as_fast_as_before(
    daemon: Daemon,
    crowded: RawClient,
    rounds: Callable[..., int],
    measured: Callable[[str], None],
) -> None:
    flood = list(colliding("flood/", rounds(100_000), CRC))
    present, absent = names("innocent", INNOCENTS), names("missing", INNOCENTS)
    neighbours, strangers = (
        list(colliding(prefix, NEIGHBOURS, CRC)) for prefix in ("neighbour/", "stranger/")
    )
    loop = LoopClock(daemon.pid)
    with (
        daemon.open(Uid.PRODUCER) as producer,
        worker(partial(measure, daemon.path), Uid.READER) as reader,
    ):
        with loop.spent() as ordinary:
            assert told(producer, "put", present, b"x") == {"published": INNOCENTS}
        reader.say([present, absent])
        get_before, miss_before, _ = reader.hear()

        with loop.spent() as attack:
            kinds = told(crowded, "put", flood, b"x")
        assert sum(kinds.values()) == len(flood)
        assert set(kinds) <= {"published", "store_full"}
        assert kinds["published"] > WINDOW
        assert told(producer, "put", neighbours, b"x") == {"published": NEIGHBOURS}

        reader.say([present, absent])
        get_after, miss_after, _ = reader.hear()
        reader.say([neighbours, strangers])
        get_beside, miss_beside, round_trip = reader.hear()
        reader.say(None)
        reader.finish()
        assert told(producer, "delete", present + neighbours) == {"deleted": INNOCENTS + NEIGHBOURS}

    measured(
        f"kinds={dict(kinds)} get={get_before:.3f} to {get_after:.3f}"
        f" miss={miss_before:.3f} to {miss_after:.3f}"
        f" neighbour={get_beside:.1f} and {miss_beside:.1f} ping={round_trip:.1f}"
        f" loop us a put={ordinary[0] / INNOCENTS * 1e6:.1f} to {attack[0] / len(flood) * 1e6:.1f}"
    )
    assert get_after <= SLOWER_MAX * get_before
    assert miss_after <= SLOWER_MAX * miss_before
    assert max(get_beside, miss_beside) <= ROUND_TRIPS_MAX * round_trip
    assert attack[0] / len(flood) <= LOOP_MAX * ordinary[0] / INNOCENTS
