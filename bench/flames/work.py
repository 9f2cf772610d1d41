"""What is looked at: put of 1 KiB, each replacing one, or get of mapped buffers, again and again.

python -m flames.work put|get SECONDS
"""

import os
import random
import sys
from pathlib import Path
from time import monotonic

import sealbuf

LAUNCHER = Path(__file__).parents[2] / "server/target/sealbuf/bin/sealbuf"
NAMES = 10_000
PAYLOAD = bytes(1024)


def main(verb: str, seconds: float) -> None:
    os.environ["SEALBUF_LAUNCHER"] = str(LAUNCHER)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    names = [f"flames/{number}" for number in range(NAMES)]
    random.Random(6).shuffle(names)
    with sealbuf.serve(capacity="256MiB") as socket, sealbuf.connect(socket) as store:
        for name in names:
            store.put(PAYLOAD, name)
        end = monotonic() + seconds
        while monotonic() < end:
            {"put": put, "get": get}[verb](store, names)


def put(store: sealbuf.Store, names: list[str]) -> None:
    for name in names:
        store.put(PAYLOAD, name, replace=True)


def get(store: sealbuf.Store, names: list[str]) -> None:
    for name in names:
        store.get(name)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
