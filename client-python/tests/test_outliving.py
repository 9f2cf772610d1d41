"""Views outlive Buffer, Store, deletion and daemon; processes end well with everything open."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from harness.daemon import Daemon
from helpers import child

pytestmark = pytest.mark.daemon

NBYTES = {"in a slab": 5000, "in a segment of its own": 5 << 20}

OUTLIVING = """
    import sys, os, hashlib, gc
    import sealbuf

    path, name, nbytes, how = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    data = hashlib.sha256(name.encode()).digest() * (nbytes // 32) + bytes(nbytes % 32)

    def view_of(store):
        if how == "sealed":
            with store.create(name, nbytes=nbytes) as writer:
                view = writer.memoryview()
                view[:] = data
            return view
        buffer = store.put(data, name)
        return (store.get(name) if how == "got" else buffer).memoryview()

    store = sealbuf.connect(path)
    view = view_of(store)
    part = view[7:-7]
    store.delete(name)
    store.close()
    del store
    gc.collect()
    print("deleted and closed", flush=True)
    sys.stdin.readline()
    assert view == data
    del view
    gc.collect()
    assert part.tobytes() == data[7:-7]
    print(hashlib.sha256(part).hexdigest(), flush=True)
"""


@pytest.fixture
def mortal(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]],
) -> Iterator[Daemon]:
    """A daemon that the test may kill."""
    with fresh_daemon() as daemon:
        yield daemon


def test_views_outlive_buffer_store_deletion_and_daemon(mortal: Daemon) -> None:
    held = {}
    for place, nbytes in NBYTES.items():
        for how in ("put", "got", "sealed"):
            name = f"{place}, {how}"
            held[name] = nbytes, child.start(OUTLIVING, mortal.path, name, str(nbytes), how)
    for _, process in held.values():
        assert process.stdout
        assert process.stdout.readline() == "deleted and closed\n", process.communicate()
    mortal.kill()
    for name, (nbytes, process) in held.items():
        data = hashlib.sha256(name.encode()).digest() * (nbytes // 32) + bytes(nbytes % 32)
        expected = hashlib.sha256(data[7:-7]).hexdigest() + "\n"
        out, err = process.communicate("go on\n", timeout=20)
        assert (process.returncode, out, err) == (0, expected, ""), name


ENDING = """
    import sys
    import sealbuf

    store, name = sealbuf.connect(sys.argv[1]), sys.argv[2]
    small, large = store.put(b"hello", f"{name}/small"), store.put(bytes(5 << 20), f"{name}/large")
    kept = [small.memoryview(), large.memoryview()[1:], store.get(large.name).memoryview()]
    store.delete(small.name, large.name)
    writer = store.create(f"{name}/unfinished", nbytes=4 << 20)
    writing = writer.memoryview()
    cycle = [store, writer]
    cycle.append(cycle)
    print(bytes(kept[0]))
"""


def test_a_process_may_end_with_everything_open(daemon: Daemon) -> None:
    assert child.output(ENDING, daemon.path, "ending") == "b'hello'\n"


TEARDOWN = """
    import atexit, pickle, sys, threading, weakref
    import sealbuf

    path, name, kind = sys.argv[1:]

    class Looking:
        "Looks at what it has as late as an object can, when modules are taken apart already."
        def __init__(self, *kept):
            self.kept = kept
        def __del__(self):
            assert all(view[:5] == b"hello" for view in self.kept)

    store = sealbuf.connect(path)
    data = b"hello" * (1000 if kind == "small" else 100_000)
    named, unnamed = store.put(data, name), store.put(data)
    with store.create(nbytes=len(data)) as writer:
        writing = writer.memoryview()
        writing[:] = data
    unfinished = store.create(nbytes=5000)
    opened = pickle.loads(pickle.dumps(store.get(name)))
    watch = store.watch(name)
    views = [each.memoryview() for each in (named, unnamed, opened)] + [writing]
    late, cycle = Looking(*views), [Looking(opened.memoryview()), store, named, unfinished, watch]
    cycle.append(cycle)
    sys.modules["kept"] = Looking(unnamed[:])
    atexit.register(lambda: Looking(*views))
    threading.Thread(target=threading.Event().wait, args=(60,), daemon=True).start()
    weakref.finalize(named, print, end="")
    print("ready", flush=True)
    sys.stdin.readline()
    del sys.modules["sealbuf"], sealbuf
"""

GOING_ON = 25


@pytest.mark.timeout(300)
def test_processes_end_well_after_their_daemon_with_views_everywhere(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]], rounds: Callable[..., int]
) -> None:
    left = rounds(1000, small=GOING_ON)
    while left > 0:
        count = min(left, GOING_ON)
        left -= count
        with fresh_daemon() as daemon:
            processes = [
                child.start(TEARDOWN, daemon.path, f"name/{at}", "small" if at % 2 else "large")
                for at in range(count)
            ]
            for process in processes:
                assert process.stdout
                assert process.stdout.readline() == "ready\n", process.communicate()
            daemon.kill()
            for process in processes:
                out, err = process.communicate("go on\n", timeout=60)
                assert (process.returncode, out, err) == (0, "", "")


DYING = """
    import sys
    import sealbuf

    store = sealbuf.connect(sys.argv[1], timeout=0.5)
    store.put(b"hello", "greeting")
    seen = store.get("greeting")
    writer = store.create("unfinished", nbytes=5)
    unseen = store.put(b"", "unseen")
    print("ready", flush=True)
    sys.stdin.readline()
    calls = {
        "get": lambda: store.get("greeting"),
        "contains": lambda: "greeting" in store,
        "put": lambda: store.put(b"", "x"),
        "create": lambda: store.create("x", nbytes=1),
        "seal": writer.seal,
        "delete": lambda: store.delete("greeting"),
        "list": store.list,
        "stats": store.stats,
        "ping": store.ping,
    }
    for call, function in calls.items():
        try:
            function()
        except sealbuf.Disconnected as error:
            assert isinstance(error, ConnectionError)
            print(call, type(error).__name__, error.message.split(":")[0])
    assert seen == b"hello"
    writer.abort()
    store.close()
    try:
        sealbuf.connect(sys.argv[1])
    except sealbuf.NoDaemon:
        print("nobody listens")
"""


NOBODY = "NoDaemon no daemon came within the deadline"
OVER = "Disconnected the connection to the daemon is over"


def test_after_the_daemons_death_every_call_says_so_within_its_deadline(mortal: Daemon) -> None:
    process = child.start(DYING, mortal.path)
    assert process.stdout
    assert process.stdout.readline() == "ready\n", process.communicate()
    mortal.kill()
    out, err = process.communicate("go on\n", timeout=20)
    calls = ["get", "contains", "put", "create", "seal", "delete", "list", "stats", "ping"]
    lines = [f"{call} {OVER if call == 'seal' else NOBODY}\n" for call in calls]
    assert (process.returncode, out, err) == (0, "".join([*lines, "nobody listens\n"]), "")
