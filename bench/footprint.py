"""What the daemon costs when little is asked: its start, its memory, its time when idle.

    .venv/bin/python bench/footprint.py [--json] [--rounds N] [--idle SECONDS] [DISTRIBUTION]

Measures what `make build` left and, if named, an unpacked tarball of `make dist`. The start of each
is compared with an empty main() on its own runtime with its own options, its cache of classes
included, in turn with it.
"""

import argparse
import os
import pickle
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measured import (
    BUILT,
    CORE,
    TREE,
    Row,
    await_daemon,
    processor_seconds,
    row,
    running,
    show,
    spawn,
    status_bytes,
)  # fmt: skip

import sealbuf

REQUESTS = 10_000
LARGE = 1 << 20
SETTLE_SECONDS = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Start, memory and idle processor time.")
    parser.add_argument("distribution", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--idle", type=float, default=60.0)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {CORE})
    trees = {"sealbuf": BUILT}
    if chosen.distribution:
        trees["sealbuf dist"] = chosen.distribution.resolve()
    with tempfile.TemporaryDirectory() as work:
        rows = starts(trees, Path(work), chosen.rounds)
        for peer, tree in trees.items():
            rows += footprint(peer, tree / "bin/sealbuf", Path(work), chosen.idle)
    show(rows, as_json=chosen.json)


def starts(trees: dict[str, Path], work: Path, rounds: int) -> list[Row]:
    """In turn; the first round of all warms the file cache and does not count."""
    jar = empty_jar(work)
    samples: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds + 1):
        for peer, tree in trees.items():
            samples.setdefault(("start", peer), []).append(first_answer(tree, work))
            samples.setdefault(("start", f"empty, {peer}"), []).append(empty(tree, jar))
    return [row(what, peer, 0, "ns", found[1:]) for (what, peer), found in samples.items()]


def empty_jar(work: Path) -> Path:
    jdk = Path(java_of(BUILT)).parent
    subprocess.run([jdk / "javac", "-d", work, TREE / "bench/java/Empty.java"], check=True)
    jar = work / "empty.jar"
    subprocess.run([jdk / "jar", "cf", jar, "-C", work, "Empty.class"], check=True)
    return jar


def first_answer(tree: Path, work: Path) -> float:
    """From the spawn of the launcher to the answer to a ping."""
    socket = work / "start.sock"
    start = time.perf_counter_ns()
    daemon = spawn(tree / "bin/sealbuf", socket)
    try:
        await_daemon(socket)
        with sealbuf.connect(socket) as store:
            store.ping()
            return time.perf_counter_ns() - start
    finally:
        daemon.terminate()
        daemon.wait()


def empty(tree: Path, jar: Path) -> float:
    """From spawn to end. The jar comes behind the daemon's, so that its cache is still good."""
    options = [f"-XX:AOTCache={tree}/lib/sealbuf.aot"]
    if not (tree / "runtime").exists():  # which has them in it
        options.insert(0, f"@{tree}/lib/jvm.options")
    path = f"{tree}/lib/sealbuf-server.jar:{jar}"
    command = ["taskset", "-c", str(CORE), java_of(tree), *options, "-cp", path, "Empty"]
    start = time.perf_counter_ns()
    subprocess.run(command, check=True)
    return time.perf_counter_ns() - start


def java_of(tree: Path) -> str:
    own = tree / "runtime/bin/java"
    if own.exists():
        return str(own)
    home = subprocess.run([TREE / "scripts/find-jdk"], capture_output=True, text=True, check=True)
    return f"{home.stdout.strip()}/bin/java"


def footprint(peer: str, launcher: Path, work: Path, idle_seconds: float) -> list[Row]:
    socket = work / "footprint.sock"
    with running(launcher, socket) as pid, sealbuf.connect(socket) as store:
        ask_all_kinds(store, socket)
        busy = resident(pid)
        time.sleep(SETTLE_SECONDS)
        before, start = processor_seconds(pid), time.monotonic()
        time.sleep(idle_seconds)
        used, took = processor_seconds(pid) - before, time.monotonic() - start
        idle = resident(pid)
    return [
        row("busy_rss", peer, 0, "bytes", [busy]),
        row("idle_rss", peer, 0, "bytes", [idle]),
        row("idle_cpu", peer, 0, "%", [100 * used / took]),
    ]


def resident(pid: int) -> int:
    """What is the process's own; buffers are RssShmem. Behind requests the compiler still works,
    with up to 25 MB that go back to the system within seconds (-XX:TrimNativeHeapInterval)."""
    return status_bytes(pid, "RssAnon", "RssFile")


def ask_all_kinds(store: sealbuf.Store, socket: Path) -> None:
    """Ten thousand rounds through every verb; each leaves nothing behind."""
    kinds: list[Callable[[], object]] = [
        store.ping,
        store.stats,
        store.list,
        store.holders,
        lambda: put_get_delete(store, bytes(1000)),
        lambda: put_get_delete(store, bytes(LARGE)),
        lambda: (store.put(b"1", "taken"), store.take("taken")),
        lambda: (store.put(b"1", "kept", replace=True, ttl=60), store.get("kept", timeout=1)),
        lambda: batched(store),
        lambda: made(store),
        lambda: pickle.loads(pickle.dumps(store.put(bytes(1000)))),
        lambda: watched(store),
        lambda: sealbuf.connect(socket).close(),
    ]
    for at in range(REQUESTS):
        kinds[at % len(kinds)]()


def put_get_delete(store: sealbuf.Store, data: bytes) -> None:
    store.put(data, "plain")
    store.get("plain")
    store.delete("plain")


def batched(store: sealbuf.Store) -> None:
    store.put_many({"a": b"1", "b": b"2"})
    store.delete("a", "b")


def made(store: sealbuf.Store) -> None:
    store.get_or_create("made", lambda: b"1")
    store.delete("made")


def watched(store: sealbuf.Store) -> None:
    with store.watch("watched/") as events:
        store.put(b"1", "watched/one")
        next(events)
    store.delete("watched/one")


if __name__ == "__main__":
    if not shutil.which("taskset"):
        raise SystemExit("needs taskset (util-linux)")
    main()
