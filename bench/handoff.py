"""Hand-off: from a Java producer's put or seal to the view of a Python process that waits for it.

    python bench/handoff.py [--rounds 300] [--cpu 1]

Everything runs on one core. The floor beside it is one wake-up through a socketpair: a process that
sleeps for a moment and then sends the time to one that waits in recv. Interleaved. One line of JSON
a work: `{work, peer, bytes, n, median, p99, unit}`, and `ratio` to the floor.
"""

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import sealbuf

ROOT = Path(__file__).parents[1]
INSTALLED = ROOT / "server/target/sealbuf"
SIZES = (64, 1024, 65536, 1 << 20, 16 << 20)
SMALL_MAX = 262144
MOMENT = 0.002
PATIENCE = 20.0
WARM_UP = 50
STAMP = struct.Struct("<q")

Take = Callable[[int], int]
"""One hand-off, the so-manieth; nanoseconds."""


@contextmanager
def wake_ups() -> Iterator[Take]:
    """The floor."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        while theirs.recv(1):
            time.sleep(MOMENT)
            theirs.send(STAMP.pack(time.monotonic_ns()))
        os._exit(0)
    theirs.close()

    def take(_: int) -> int:
        ours.send(b"!")
        (sent,) = STAMP.unpack(ours.recv(STAMP.size))
        return time.monotonic_ns() - int(sent)

    with ours:
        yield take
    os.waitpid(child, 0)


@contextmanager
def producer(path: str) -> Iterator["subprocess.Popen[str]"]:
    java = Path(os.environ.get("JAVA_HOME", "/usr")) / "bin/java"
    options = ["--enable-native-access=ALL-UNNAMED", "-cp", f"{INSTALLED}/lib/*"]
    program = str(ROOT / "bench/java/HandOff.java")
    with subprocess.Popen(
        [str(java), *options, program, path, str(SMALL_MAX)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise RuntimeError("the producer did not start")
        yield child
        child.stdin.close()


def hand_offs(store: sealbuf.Store, child: "subprocess.Popen[str]", nbytes: int) -> Take:
    order = child.stdin
    assert order is not None

    def take(number: int) -> int:
        name = f"{nbytes}/{number}"
        order.write(f"{name} {nbytes}\n")
        order.flush()
        view = store.get(name, timeout=PATIENCE).memoryview()
        (sent,) = STAMP.unpack_from(view)
        taken = time.monotonic_ns() - int(sent)
        view.release()
        store.delete(name)
        return taken

    return take


def row(work: str, peer: str, nbytes: int, runs: list[int]) -> dict[str, str | float]:
    micros = [taken / 1000 for taken in runs[WARM_UP:]]
    p99 = quantiles(micros, n=100)[98]
    shown = {"median": round(median(micros), 1), "p99": round(p99, 1), "unit": "us"}
    return {"work": work, "peer": peer, "bytes": nbytes, "n": len(micros), **shown}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=300)
    options.add_argument("--cpu", type=int, default=1)
    given = options.parse_args()
    os.sched_setaffinity(0, {given.cpu})
    os.environ.setdefault("SEALBUF_LAUNCHER", str(INSTALLED / "bin/sealbuf"))
    with (
        wake_ups() as floor,
        sealbuf.serve(capacity="2GiB") as path,
        sealbuf.connect(path) as store,
        producer(path) as child,
    ):
        takes = {nbytes: hand_offs(store, child, nbytes) for nbytes in SIZES}
        runs: dict[int, list[int]] = {nbytes: [] for nbytes in (0, *SIZES)}
        for number in range(given.rounds + WARM_UP):
            runs[0].append(floor(number))
            for nbytes, take in takes.items():
                runs[nbytes].append(take(number))
    base = row("wake-up", "socketpair", 0, runs.pop(0))
    print(json.dumps(base))
    for nbytes, taken in runs.items():
        found = row("hand-off", "sealbuf", nbytes, taken)
        found["ratio"] = round(float(found["median"]) / float(base["median"]), 2)
        print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main())
