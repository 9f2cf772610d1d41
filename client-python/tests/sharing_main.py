"""Threads and processes that share buffers: `TASK SOCKET ROUNDS START_METHOD`, run by a test.

It is a program because `spawn` and `forkserver` import the main module again. Each task ends with
`assert`s; its last line is what the test compares.
"""

# ruff: noqa: T201 - it is a program

import hashlib
import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from time import monotonic, sleep
from typing import Any, TypeAlias

import joblib
from joblib.externals.loky import get_reusable_executor

import sealbuf
from helpers.descriptors import descriptors
from helpers.reversing import PATIENCE, reverse

WORKERS = 8
SIZES = [0, 5, 5000, 300_000, 3 << 20]
POOL, CHUNK = 4, 3
KEPT = POOL * CHUNK
"""Buffers of the last results, which the workers of an executor keep until their next task."""

Context: TypeAlias = Any
"""What `multiprocessing.get_context` gives."""
Work: TypeAlias = Callable[[sealbuf.Buffer], Any]


def content(seed: object, nbytes: int) -> bytes:
    block = hashlib.sha256(repr(seed).encode()).digest()
    return (block * (nbytes // len(block) + 1))[:nbytes]


@contextmanager
def threads(work: Callable[[int], object]) -> Iterator[None]:
    """Runs `work` in as many threads as there are workers; what one raises is raised here."""
    failed: list[BaseException] = []

    def run(at: int) -> None:
        try:
            work(at)
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    started = [threading.Thread(target=run, args=(at,)) for at in range(WORKERS)]
    for thread in started:
        thread.start()
    yield
    for thread in started:
        thread.join()
    if failed:
        raise failed[0]


def one_store_in_threads(path: str, rounds: int, _context: Context) -> str:
    with sealbuf.connect(path, timeout=PATIENCE) as shared:
        shared.put(b"of all", "of all")

        def work(at: int) -> None:
            for turn in range(rounds):
                name, data = f"thread/{at}/{turn % 64}", content((at, turn), 5 + turn % 500)
                shared.put(data, name, replace=True)
                assert shared.get(name) == data
                assert shared.get("of all") == b"of all"
                assert f"thread/{at}/none" not in shared

        work(0)
        before = descriptors()
        with threads(work):
            pass
        assert descriptors() == before
        shared.delete("of all", *(entry.name for entry in shared.list("thread/")))
    return f"{WORKERS * rounds} gets and puts"


def children_that_read_at_once(path: str, rounds: int, context: Context) -> str:
    expected = {f"forked/{at}": content(at, SIZES[at % len(SIZES)]) for at in range(50)}
    with sealbuf.connect(path, timeout=PATIENCE) as shared:
        shared.put_many(expected)
        kept = shared.get("forked/4").memoryview()
        barrier = context.Barrier(WORKERS)
        for turn in range(rounds):
            children = [
                context.Process(target=read_all, args=(shared, expected, barrier, at))
                for at in range(WORKERS)
            ]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0
                child.close()
            del children, child
            if turn == 0:  # a fork server and a resource tracker have come
                before = descriptors()
            assert descriptors() == before
        assert kept.tobytes() == expected["forked/4"]
        shared.delete(*expected)
    return f"{WORKERS * rounds} children"


def read_all(shared: sealbuf.Store, expected: dict[str, bytes], barrier: Any, at: int) -> None:
    barrier.wait(PATIENCE)
    for name, data in expected.items():
        assert shared.get(name) == data
    shared.put(b"mine", f"forked/by/{at}")
    shared.delete(f"forked/by/{at}")


def names_that_go_before_they_are_opened(path: str, rounds: int, context: Context) -> str:
    """Buffers are sent, then their names are deleted, replaced or dropped, then they are opened."""
    here, there = context.Pipe()
    go, opened = context.Event(), context.Event()
    child = context.Process(target=open_all, args=(there, go, opened, rounds))
    child.start()
    with sealbuf.connect(path, timeout=PATIENCE) as shared:
        for turn in range(rounds):
            data = of_turn(turn)
            deleted = [shared.put(each, f"deleted/{at}") for at, each in enumerate(data)]
            replaced = [
                shared.put(each, f"replaced/{at}", replace=True) for at, each in enumerate(data)
            ]
            unnamed = [shared.put(each) for each in data]
            here.send([deleted, replaced, unnamed])  # some kB, which a pipe takes
            shared.delete(*(buffer.name for buffer in deleted))
            for buffer in replaced:
                shared.put(b"another", buffer.name, replace=True)
            del deleted, replaced, unnamed, buffer
            shared.ping()
            go.set()
            assert opened.wait(PATIENCE)
            opened.clear()
        shared.delete(*(f"replaced/{at}" for at in range(len(SIZES))))
    child.join(PATIENCE)
    assert child.exitcode == 0
    return f"{3 * rounds * len(SIZES)} handles"


def of_turn(turn: int) -> list[bytes]:
    return [content((turn, at), nbytes) for at, nbytes in enumerate(SIZES)]


def open_all(there: Connection, go: Event, opened: Event, rounds: int) -> None:
    before = 0
    for turn in range(rounds):
        assert go.wait(PATIENCE)
        go.clear()
        arrived = there.recv()
        for kind in arrived:
            assert [bytes(buffer) for buffer in kind] == of_turn(turn)
        del arrived, kind
        if turn == 0:
            before = descriptors()
        opened.set()
    assert descriptors() == before


def a_pool(path: str, rounds: int, context: Context) -> str:
    with context.Pool(POOL) as pool:
        return both_ways(path, rounds, lambda work, sent: pool.imap_unordered(work, sent, CHUNK))


def an_executor(path: str, rounds: int, context: Context) -> str:
    with ProcessPoolExecutor(POOL, context) as pool:
        return both_ways(path, rounds, lambda work, sent: pool.map(work, sent, chunksize=CHUNK))


def joblib_workers(path: str, rounds: int, _context: Context) -> str:
    """Whose start method is joblib's own."""

    def run(work: Work, sent: Iterator[sealbuf.Buffer]) -> Iterator[Any]:
        results: Iterator[Any] = joblib.Parallel(POOL, return_as="generator")(
            joblib.delayed(work)(buffer) for buffer in sent
        )
        return results

    try:
        return both_ways(path, rounds, run)
    finally:
        get_reusable_executor().shutdown()


def both_ways(
    path: str,
    rounds: int,
    run: Callable[[Work, Iterator[sealbuf.Buffer]], Iterator[Any]],
) -> str:
    """Buffers go to workers, which drop what they send back."""
    most: dict[int, set[int]] = {}
    with sealbuf.connect(path, timeout=PATIENCE) as shared:
        before = int(shared.stats()["buffers"])
        for turn in range(rounds):
            sent = {at: content((turn, at), SIZES[at % len(SIZES)] + at) for at in range(20)}
            buffers = [shared.put(data) for data in sent.values()]
            backwards = {data[::-1] for data in sent.values()}
            for buffer, pid, count in run(partial(reverse, path), iter(buffers)):
                backwards.remove(bytes(buffer))
                most.setdefault(pid, set()).add(count)
            assert backwards == set()
            if turn == 0:
                own = descriptors()
            del buffers, buffer
        assert descriptors() == own
        deadline = monotonic() + PATIENCE
        while int(shared.stats()["buffers"]) > before + KEPT and monotonic() < deadline:
            sleep(0.02)
        assert int(shared.stats()["buffers"]) <= before + KEPT
    assert all(max(counts) - min(counts) <= 1 for counts in most.values()), most
    return f"{20 * rounds} there and back"


TASKS: dict[str, Callable[[str, int, Context], str]] = {
    "threads": one_store_in_threads,
    "children": children_that_read_at_once,
    "gone": names_that_go_before_they_are_opened,
    "pool": a_pool,
    "executor": an_executor,
    "joblib": joblib_workers,
}


def main(task: str, path: str, rounds: str, method: str) -> None:
    print(TASKS[task](path, int(rounds), multiprocessing.get_context(method)))


if __name__ == "__main__":
    main(*sys.argv[1:])
