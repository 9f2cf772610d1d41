"""A DataLoader whose workers publish batches and send handles: `SOCKET BATCHES START_METHOD`.

Runs in an environment with torch, started by a test. Says what it found as one line of JSON.
"""

# ruff: noqa: T201 - it is a program

import json
import multiprocessing
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import torch
from torch.utils.data import DataLoader

import sealbuf

WORKERS = 4
ITEMS = 64 * 1024
"""Of a batch, 4 bytes each: half of the batches are in slabs, half in segments of their own."""
PATIENCE = 60.0


class Batches:
    """A data set: batch number `at` has that number in each item. It holds a Store, as a user's
    does."""

    def __init__(self, store: sealbuf.Store, count: int) -> None:
        self.store = store
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, at: int) -> sealbuf.Buffer:
        batch = np.full(ITEMS + at % 2 * ITEMS, at, dtype="int32")
        return self.store.put(batch)  # which the name ends with, and the handle outlives


def private_bytes() -> dict[str, int]:
    """Of this process and of each worker: memory that is nobody else's."""
    workers = multiprocessing.active_children()
    pids = {"main": "self"} | {f"worker {at}": str(each.pid) for at, each in enumerate(workers)}
    return {name: rss_anon(pid) for name, pid in pids.items()}


def rss_anon(pid: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))


def left(store: sealbuf.Store) -> list[str]:
    """Names, and segments without one that somebody holds, when what went has been noticed."""
    deadline = monotonic() + PATIENCE
    while True:
        stats = store.stats()
        if int(stats["buffers"]) + int(stats["held"]) == 0:
            return []
        if monotonic() > deadline:
            return [*map(str, store.list()), *map(str, store.holders())]
        sleep(0.02)


def main(path: str, count: str, method: str) -> None:
    batches = int(count)
    early: dict[str, int] = {}
    with sealbuf.connect(path) as store:
        loader = DataLoader(
            Batches(store, batches), batch_size=None, num_workers=WORKERS,
            multiprocessing_context=method,
        )  # fmt: skip
        for at, batch in enumerate(loader):
            tensor = torch.from_numpy(np.array(batch)) if at % 100 == 0 else np.asarray(batch)
            assert int(tensor[0]) == int(tensor[-1]) == at
            assert len(tensor) == ITEMS + at % 2 * ITEMS
            if at + 1 == batches // 10:
                early = private_bytes()
            if at + 1 == batches - WORKERS * loader.prefetch_factor:
                late = private_bytes()
        del batch, tensor, loader
        print(json.dumps({"early": early, "late": late, "left": left(store)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
