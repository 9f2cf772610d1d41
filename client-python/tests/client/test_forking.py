"""A fork while something is going on: the child reads what it inherited, and disturbs nobody."""

import gc
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import sealbuf
from helpers.ends import ended, ends, forked

SIZES = [5000, 3 << 20]


def descriptors() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return found


def allocate() -> None:
    """What would land in a hole of the address space, if the fork had left one."""
    kept = [bytearray(4 << 20) for _ in range(4)]
    kept += [bytearray(os.urandom(64)) for _ in range(200)]
    del kept
    gc.collect()


@pytest.mark.timeout(600)
@pytest.mark.shows(50)
def test_a_child_of_an_open_writer_reads_and_does_not_hold_up_the_seal(
    path: str, name: str, rounds: Callable[..., int]
) -> None:
    with sealbuf.connect(path) as store:
        for at in range(rounds(1000, small=50)):
            nbytes = SIZES[at % len(SIZES)]
            writer = store.create(name, nbytes=nbytes)
            view = writer.memoryview()
            view[:5] = b"hello"
            reading, writing = os.pipe()

            def child(
                view: memoryview = view, reading: int = reading, writing: int = writing
            ) -> None:
                os.close(writing)
                allocate()
                assert view[:5].tobytes() == b"hello"
                os.read(reading, 1)  # the end: the parent has sealed
                allocate()
                assert view[:10].tobytes() == b"helloworld"

            pid = forked(child)
            os.close(reading)
            view[5:10] = b"world"
            buffer = writer.seal()
            os.close(writing)
            assert ended(pid) == 0
            assert buffer[:10].tobytes() == b"helloworld"
            store.delete(name)


def test_the_writer_stays_the_parents(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.create(name, nbytes=5) as writer:
        writer.memoryview()[:] = b"hello"
        why = (
            f"a writer stays with the process that created it, this is a forked child: name={name}"
        )

        def child() -> None:
            for call in (writer.seal, writer.abort, writer.memoryview):
                with pytest.raises(sealbuf.Closed) as caught:
                    call()
                assert caught.value.message == why
            with pytest.raises(sealbuf.Closed), writer:
                pass
            with pytest.raises(ZeroDivisionError), writer:
                raise ZeroDivisionError
            assert name not in store
            with pytest.raises(sealbuf.AlreadyExists):
                store.put(b"", name)

        assert ends(child) == 0

    with sealbuf.connect(path) as store:
        assert store.get(name) == b"hello"
        store.delete(name)


def test_a_write_of_the_child_ends_the_child_alone(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.create(name, nbytes=5) as writer:
        view = writer.memoryview()

        def child() -> None:
            import faulthandler  # noqa: PLC0415

            faulthandler.disable()
            view[0] = 1

        assert ends(child) == -signal.SIGSEGV
        view[:] = b"hello"
    with sealbuf.connect(path) as store:
        assert store.get(name) == b"hello"
        store.delete(name)


def test_a_child_keeps_no_descriptor_of_a_session_or_a_segment(path: str, name: str) -> None:
    before = sorted(descriptors())
    with sealbuf.connect(path) as store, sealbuf.connect(path) as other:
        store.put(b"hello", name)
        other.get(name)
        with pytest.raises(sealbuf.Timeout):
            store.get(f"{name}/none", timeout=0.01)
        watch = store.watch(name)
        writers = [store.create(nbytes=nbytes) for nbytes in SIZES]

        def child() -> None:
            watch.close()  # it keeps an epoll of its own here
            assert sorted(descriptors()) == before

        assert ends(child) == 0
        for writer in writers:
            writer.abort()
        watch.close()
        store.delete(name)


LARGE = 1 << 20
FIRST: dict[str, Callable[[sealbuf.Store, str], object]] = {
    "put": lambda store, name: store.put(b"", name),
    "put large": lambda store, name: store.put(bytes(LARGE), name),
    "put many": lambda store, name: store.put_many({name: b""}),
    "put many large": lambda store, name: store.put_many({name: bytes(2 * LARGE)}),
    "put an object": lambda store, name: store.put_object(bytes(LARGE), name),
    "create": lambda store, name: store.create(name, nbytes=1).seal(),
    "get or create": lambda store, name: store.get_or_create(name, lambda: bytes(LARGE)),
    "take": lambda store, name: store.take(f"{name}/there"),
    "delete": lambda store, name: store.delete(f"{name}/there"),
    "list": lambda store, _: store.list(),
}


@pytest.mark.parametrize("call", FIRST)
def test_the_first_call_of_a_child_may_be_any(path: str, name: str, call: str) -> None:
    """Its session is the parent's, so nothing of it was sent there."""
    with sealbuf.connect(path) as store:
        there = [store.put(b"", f"{name}/there"), store.put(bytes(LARGE), f"{name}/2")]
        assert ends(lambda: FIRST[call](store, name)) == 0
        store.delete(*(entry.name for entry in store.list(name)))
        del there


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_beside_busy_threads_leaves_no_lock_behind(
    path: str, name: str, rounds: Callable[..., int]
) -> None:
    """Threads put, get, write, wait and drop, all the time; each child does the same once."""
    with sealbuf.connect(path, timeout=60) as store:
        over, failed = threading.Event(), []

        def work(at: int) -> None:
            mine = f"{name}/{at}"
            try:
                while not over.is_set():
                    one_turn(store, mine)
            except BaseException as error:  # noqa: BLE001 - told in the main thread
                failed.append(repr(error))

        threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
        for thread in threads:
            thread.start()
        try:
            for at in range(rounds(200)):

                def child(at: int = at) -> None:
                    signal.alarm(50)  # a deadlock is a death
                    one_turn(store, f"{name}/child/{at}")

                assert ends(child) == 0
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert failed == []


def one_turn(store: sealbuf.Store, name: str) -> None:
    store.put(b"hello", name)
    assert store.get(name) == b"hello"
    store.put(bytes(300_000))
    with store.create(nbytes=5000) as writer:
        writer.memoryview()[:5] = b"hello"
    assert store.take(name, timeout=50) == b"hello"
