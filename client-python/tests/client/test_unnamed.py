"""What was put without a name ends with its Buffer, in the process that put it."""

import gc
import pickle
import threading
import time
from collections.abc import Callable

import pytest

import sealbuf
from client.test_waiting import LONG
from helpers.ends import ends

LARGE = 1 << 20


def put_small(store: sealbuf.Store) -> sealbuf.Buffer:
    return store.put(b"hello")


def put_large(store: sealbuf.Store) -> sealbuf.Buffer:
    return store.put(b"hello" * LARGE)


def created(store: sealbuf.Store) -> sealbuf.Buffer:
    writer = store.create(nbytes=5)
    writer.memoryview()[:] = b"hello"
    return writer.seal()


Put = Callable[[sealbuf.Store], sealbuf.Buffer]
ways = pytest.mark.parametrize("put", [put_small, put_large, created])


def wait_until_gone(store: sealbuf.Store, name: str) -> None:
    deadline = time.monotonic() + LONG
    while name in store and time.monotonic() < deadline:
        time.sleep(0.02)
    assert name not in store


@ways
def test_it_ends_with_its_buffer_by_the_next_request(path: str, put: Put) -> None:
    gc.disable()
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        buffer = put(store)
        name = buffer.name
        store.ping()
        assert reader.get(name)[:5].tobytes() == b"hello"
        del buffer
        store.ping()
        assert name not in reader
        assert name not in store


@ways
def test_it_ends_although_nobody_asks_for_anything(path: str, put: Put) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        buffer = put(store)
        name = buffer.name
        del buffer
        wait_until_gone(reader, name)


@ways
def test_it_ends_with_its_store(path: str, put: Put) -> None:
    with sealbuf.connect(path) as reader:
        with sealbuf.connect(path) as store:
            buffer = put(store)
            assert buffer.name in reader
        wait_until_gone(reader, buffer.name)
        assert buffer[:5].tobytes() == b"hello"


@ways
def test_a_view_keeps_the_memory_and_not_the_name(path: str, put: Put) -> None:
    with sealbuf.connect(path) as store:
        buffer = put(store)
        name, view = buffer.name, buffer.memoryview()[1:5]
        del buffer
        store.ping()
        assert name not in store
        assert view.tobytes() == b"ello"


def test_a_block_keeps_it_as_long_as_its_writer(path: str) -> None:
    with sealbuf.connect(path) as store:
        with store.create(nbytes=5) as writer:
            writer.memoryview()[:] = b"hello"
        assert store.get(writer.name) == b"hello"
        name = writer.name
        del writer
        store.ping()
        assert name not in store


@ways
def test_one_that_was_given_a_name_goes_on(path: str, name: str, put: Put) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"hello", name)
        with store.create(f"{name}/2", nbytes=1):
            pass
        store.put(bytes(LARGE), f"{name}/3")
        store.get_or_create(f"{name}/4", lambda: b"made")
        put(store)
        store.ping()
    with sealbuf.connect(path) as store:
        store.delete(name, *(f"{name}/{at}" for at in (2, 3, 4)))


def test_only_its_own_name_ends_with_it(path: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello")
        name = buffer.name
        store.put(b"another", name, replace=True)
        del buffer
        store.ping()
        assert store.get(name) == b"another"
        store.delete(name)


@ways
def test_a_forked_child_ends_nothing_of_the_parents(path: str, put: Put) -> None:
    with sealbuf.connect(path) as store:
        buffers = [put(store)]
        name = buffers[0].name

        def child() -> None:
            buffers.clear()
            gc.collect()
            store.ping()
            assert store.get(name)[:5].tobytes() == b"hello"
            mine = put(store)
            assert mine.name in store

        assert ends(child) == 0
        store.ping()
        assert store.get(name)[:5].tobytes() == b"hello"
        buffers.clear()
        store.ping()
        assert name not in store


@ways
def test_a_handle_keeps_it_for_whoever_opens_it(path: str, put: Put) -> None:
    with sealbuf.connect(path) as store:
        handle = pickle.dumps(put(store))
        store.ping()
        arrived = pickle.loads(handle)
        assert arrived[:5].tobytes() == b"hello"
        assert arrived.name not in store


def test_many_at_once_end_in_time(path: str) -> None:
    """More than travel with one request; what they take is given back, nobody is disconnected."""
    with sealbuf.connect(path) as store:
        store.ping()
        before = int(store.stats()["buffers"])
        buffers = [store.put(b"hello") for _ in range(3000)]
        assert store.stats()["buffers"] == before + len(buffers)
        buffers.clear()
        deadline = time.monotonic() + LONG
        with sealbuf.connect(path) as reader:
            while reader.stats()["buffers"] != before and time.monotonic() < deadline:
                time.sleep(0.05)
            assert reader.stats()["buffers"] == before


def test_threads_drop_them_while_others_ask(path: str) -> None:
    with sealbuf.connect(path) as store:
        before = int(store.stats()["buffers"])
        failed: list[BaseException] = []

        def work() -> None:
            try:
                for at in range(200):
                    cycle: list[object] = [store.put(str(at).encode())]
                    cycle.append(cycle)
            except BaseException as error:  # noqa: BLE001 - told in the main thread
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gc.collect()
        for _ in range(10):  # as many of them travel with a request
            store.ping()
        assert failed == []
        assert store.stats()["buffers"] == before


def test_they_end_although_the_session_was_lost(path: str) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        buffer = store.put(b"hello")
        store._link.current().connection.cut()
        store.ping()
        wait_until_gone(reader, buffer.name)
        del buffer
        store.ping()
