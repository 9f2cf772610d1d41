"""The first get of a large buffer in a new process, beside the same without huge pages.

    python bench/probes/first_get.py [--mib 256] [--rounds 15] [--cpu 1]

Two daemons, of which one was started with transparent huge pages disabled (prctl(2),
PR_SET_THP_DISABLE), have a buffer each. New processes in turn connect, get it and touch every page
of 4 KiB; their start and connecting do not count. One line of JSON: medians in milliseconds.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

import sealbuf

LAUNCHER = Path(__file__).parents[2] / "server/target/sealbuf/bin/sealbuf"
PR_SET_THP_DISABLE = 41
WARM_UP = 500
"""Times that a daemon was asked for it before: its code is compiled by then."""
READER = """
import sealbuf, sys
from time import perf_counter_ns
with sealbuf.connect(sys.argv[1]) as store:
    store.get("small").memoryview()[0]
    begin = perf_counter_ns()
    view = store.get("large").memoryview()
    got = perf_counter_ns()
    view[::4096].tobytes()
    print(got - begin, perf_counter_ns() - got)
"""


@contextmanager
def small_pages_only() -> Iterator[None]:
    """Processes that are started inside get no huge pages."""
    _set_thp_disabled(True)
    try:
        yield
    finally:
        _set_thp_disabled(False)


def _set_thp_disabled(disabled: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_THP_DISABLE, int(disabled), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def read_by_newcomer(path: str) -> tuple[float, float]:
    """Milliseconds of the get and of touching."""
    said = subprocess.check_output([sys.executable, "-c", READER, path], text=True)
    got, touched = said.split()
    return int(got) / 1e6, int(touched) / 1e6


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--mib", type=int, default=256)
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--cpu", type=int, default=1)
    given = options.parse_args()
    os.sched_setaffinity(0, {given.cpu})
    os.environ.setdefault("SEALBUF_LAUNCHER", str(LAUNCHER))
    capacity = f"{2 * given.mib + 64}MiB"
    with ExitStack() as stack:
        paths = {"huge": stack.enter_context(sealbuf.serve(capacity=capacity))}
        with small_pages_only():
            paths["small"] = stack.enter_context(sealbuf.serve(capacity=capacity))
        shown = {}
        for pages, path in paths.items():
            store = stack.enter_context(sealbuf.connect(path))
            store.put(b"small", "small")
            store.put(bytes(given.mib << 20), "large")
            for _ in range(WARM_UP):  # each maps it anew, since nobody holds it
                store.get("large")
            shown[pages] = int(store.stats()["huge_page_bytes"])
        taken: dict[str, list[tuple[float, float]]] = {pages: [] for pages in paths}
        for _ in range(given.rounds):
            for pages, path in paths.items():
                taken[pages].append(read_by_newcomer(path))
    for pages, samples in taken.items():
        whole = [got + touched for got, touched in samples]
        row = {"pages": pages, "huge_page_mib": shown[pages] >> 20, "n": len(samples)}
        row["median"] = round(median(whole), 2)
        row["get"] = round(median(got for got, _ in samples), 2)
        low, _, high = quantiles(whole, n=4)
        print(json.dumps(row | {"quartiles": [round(low, 2), round(high, 2)], "unit": "ms"}))


if __name__ == "__main__":
    main()
