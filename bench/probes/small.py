"""Small requests against their floors, interleaved, with client and daemon on one core.

    python bench/probes/small.py [--seconds 20] [--cpu 1]

get: a mapped buffer, names uniformly at random, beside a dictionary look-up with a slice. ping:
beside a C echo of a ping's bytes; a put of 1 KiB beside a ping. put_many: 1 000 buffers of 1 KiB at
once, beside as many single puts. One line of JSON a work; `ratio` is that of the medians.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, perf_counter_ns

import sealbuf
from sealbuf import _protocol as protocol

ROOT = Path(__file__).parents[2]
LAUNCHER = ROOT / "server/target/sealbuf/bin/sealbuf"
ECHO = ROOT / "client-python/tests/harness/c/echo.c"
NAMES = 10_000
BATCH = 1_000
PAYLOAD = bytes(1024)

Work = Callable[[int], None]
"""Does it so many times."""


@contextmanager
def echo_server(folder: Path) -> Iterator[socket.socket]:
    program, path = folder / "echo", str(folder / "echo.sock")
    subprocess.run(["gcc", "-O2", "-std=gnu11", "-o", program, ECHO], check=True)
    server = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdout.readline()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        try:
            yield client
        finally:
            server.stdin.close()
            server.wait(10)


def echoing(client: socket.socket) -> Work:
    frame = protocol.encode_request("ping", 10_000, {}, 0)

    def work(times: int) -> None:
        for _ in range(times):
            client.send(frame)
            client.recv(4096)

    return work


def pinging(store: sealbuf.Store) -> Work:
    def work(times: int) -> None:
        for _ in range(times):
            store.ping()

    return work


def putting(store: sealbuf.Store, batch: dict[str, bytes]) -> Work:
    names = list(batch)

    def work(times: int) -> None:
        for name in names[:times]:
            store.put(PAYLOAD, name, replace=True)

    return work


def putting_many(store: sealbuf.Store, batch: dict[str, bytes]) -> Work:
    def work(times: int) -> None:
        for _ in range(times):
            store.put_many(batch, replace=True)

    return work


def getting(store: sealbuf.Store, names: list[str]) -> Work:
    def work(times: int) -> None:
        get = store.get
        for name in names[:times]:
            get(name)

    return work


def looking_up(table: dict[str, tuple[int, int]], names: list[str]) -> Work:
    memory = memoryview(bytes(NAMES * 64))

    def work(times: int) -> None:
        get = table.get
        for name in names[:times]:
            at, end = get(name)  # type: ignore[misc]
            memory[at:end]

    return work


def filled(store: sealbuf.Store) -> list[str]:
    names = [f"small/{number}" for number in range(NAMES)]
    for at in range(0, NAMES, BATCH):
        store.put_many({name: bytes(64) for name in names[at : at + BATCH]})
    random.Random(6).shuffle(names)
    for name in names:
        store.get(name)
    return names


def timed(work: Work, times: int) -> float:
    """Microseconds for one."""
    start = perf_counter_ns()
    work(times)
    return (perf_counter_ns() - start) / times / 1000


def measured(works: dict[str, tuple[Work, int]], seconds: float) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in works}
    end = monotonic() + seconds
    while monotonic() < end:
        for name, (work, times) in works.items():
            taken[name].append(timed(work, times))
    return {name: runs[len(runs) // 5 :] for name, runs in taken.items()}


def report(taken: dict[str, list[float]]) -> None:
    floors = {"get": "lookup", "ping": "echo", "put": "ping", "put_many": "put"}
    for name, runs in taken.items():
        row = {"work": name, "n": len(runs), "median": round(median(runs), 3), "unit": "us"}
        row["p99"] = round(quantiles(runs, n=100)[98], 3)
        if name in floors:
            each = BATCH if name == "put_many" else 1
            row["ratio"] = round(median(runs) / each / median(taken[floors[name]]), 3)
            row["of"] = floors[name]
        print(json.dumps(row))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--cpu", type=int, default=1)
    given = options.parse_args()
    os.sched_setaffinity(0, {given.cpu})
    os.environ.setdefault("SEALBUF_LAUNCHER", str(LAUNCHER))
    with (
        tempfile.TemporaryDirectory() as folder,
        echo_server(Path(folder)) as client,
        sealbuf.serve(capacity="1GiB") as path,
        sealbuf.connect(path) as store,
    ):
        names = filled(store)
        table = {name: (at * 64, at * 64 + 64) for at, name in enumerate(sorted(names))}
        batch = {f"put/{number}": PAYLOAD for number in range(BATCH)}
        works = {
            "lookup": (looking_up(table, names), NAMES),
            "get": (getting(store, names), NAMES),
            "echo": (echoing(client), 500),
            "ping": (pinging(store), 500),
            "put": (putting(store, batch), 500),
            "put_many": (putting_many(store, batch), 1),
        }
        report(measured(works, given.seconds))


if __name__ == "__main__":
    main()
