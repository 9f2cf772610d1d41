"""What grows with the number of resident buffers, and what does not.

    .venv/bin/python bench/scale.py [--json] [--most N] [--distribution DIR]

One daemon is filled with small buffers by put_many, from 10^3 to 10^7 or N. At each power of ten:

- get of random names that were got before, in another order
- put; one page of a listing; a new client, from connecting to its first get
- the daemon's memory, and the bytes that a buffer takes beside its name and payload: now, and the
  most of a hundred looks since the last power of ten
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from measured import BUILT, CORE, Row, row, running, show, status_bytes

import sealbuf

Item = TypeVar("Item")

BATCH, PAYLOAD = 1000, bytes(16)
WIDTH = 10
"""Of a name: a letter and digits."""

GETS, GETS_A_SAMPLE, PUTS, PAGES, STARTS = 20_000, 20, 500, 50, 9
PAGE = 100
CAPACITY = "6GiB"


def runs(items: Iterable[Item], length: int) -> Iterator[tuple[Item, ...]]:
    """Neighbours in groups: itertools has it from Python 3.12 on."""
    rest = iter(items)
    while run := tuple(islice(rest, length)):
        yield run


def main() -> None:
    parser = argparse.ArgumentParser(description="Many resident buffers.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--most", type=int, default=10**7)
    parser.add_argument("--distribution", type=Path, default=BUILT)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {CORE})
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as work:
        socket = Path(work) / "scale.sock"
        launcher = chosen.distribution.resolve() / "bin/sealbuf"
        with running(launcher, socket, "--capacity", CAPACITY) as pid:
            for count, worst in fill(socket, chosen.most):
                rows += measure(socket, pid, count, worst)
    show(rows, as_json=chosen.json)


def name(at: int) -> str:
    return f"n{at:0{WIDTH - 1}d}"


def fill(socket: Path, most: int) -> Iterator[tuple[int, float]]:
    """Stops at each power of ten; gives with it the most bytes a buffer took since the last one."""
    with sealbuf.connect(socket) as store:
        target, worst = 1000, 0.0
        for batch in runs(range(most), BATCH):
            store.put_many({name(at): PAYLOAD for at in batch})
            count = batch[-1] + 1
            if (count >= BATCH * 10 and count % (target // 100 or 1) == 0) or count == target:
                worst = max(worst, bytes_a_buffer(store))
            if count == target:
                yield count, worst
                target, worst = target * 10, 0.0


def bytes_a_buffer(store: sealbuf.Store) -> float:
    """Beside name and payload."""
    stats = store.stats()
    count = int(stats["buffers"])
    taken = int(stats["catalog_bytes"]) + int(stats["slab_bytes"])
    return taken / count - WIDTH - len(PAYLOAD)


def measure(socket: Path, pid: int, count: int, worst: float) -> list[Row]:
    def of(work: str, unit: str, samples: list[float]) -> Row:
        return row(work, "sealbuf", count, unit, samples)

    chosen = random.Random(count)
    with sealbuf.connect(socket) as store:
        start = [first_get(socket, count) for _ in range(STARTS)]
        rows = [
            of("many_start", "ns", start),
            of("many_get", "ns", gets(store, [name(chosen.randrange(count)) for _ in range(GETS)])),
            of("many_put", "ns", puts(store)),
            of("many_list", "ns", [timed(lambda: page(store)) for _ in range(PAGES)]),
            of("many_bytes", "bytes", [bytes_a_buffer(store)]),
            of("many_bytes_worst", "bytes", [worst]),
        ]
    return [
        *rows,
        of("many_heap", "bytes", [heap(pid)]),
        of("many_rss", "bytes", [status_bytes(pid, "RssAnon", "RssFile")]),
    ]


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    act()
    return time.perf_counter_ns() - start


def gets(store: sealbuf.Store, names: list[str]) -> list[float]:
    """The first time maps what is not mapped yet; the second one, in another order, counts."""
    for each in names:
        store.get(each)
    random.Random(1).shuffle(names)
    samples = []
    for few in runs(names, GETS_A_SAMPLE):
        start = time.perf_counter_ns()
        for each in few:
            store.get(each)
        samples.append((time.perf_counter_ns() - start) / len(few))
    return samples


def puts(store: sealbuf.Store) -> list[float]:
    names = [f"put/{at}" for at in range(PUTS)]
    samples = [timed(lambda each=each: store.put(PAYLOAD, each)) for each in names]  # type: ignore[misc]
    store.delete(*names)
    return samples


def page(store: sealbuf.Store) -> None:
    """One round trip of a listing; `Store.list` asks for all pages and sorts the names."""
    link = store._link
    link.current().connection.request("list", b"", link.deadline(), prefix="", limit=PAGE, cursor=0)


def first_get(socket: Path, count: int) -> float:
    def act() -> None:
        with sealbuf.connect(socket) as store:
            store.get(name(count // 2))

    return timed(act)


def heap(pid: int) -> float:
    """At most: all anonymous memory, as the daemon lets nobody attach who could ask."""
    return status_bytes(pid, "RssAnon")


if __name__ == "__main__":
    main()
