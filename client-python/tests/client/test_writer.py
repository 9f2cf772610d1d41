"""Buffers that are written in place: every way in which a writer can end."""

import copy
import faulthandler
import os
import pickle
import signal
import sys
from collections.abc import Callable

import numpy as np
import pytest

import sealbuf
from helpers.descriptors import descriptors
from helpers.ends import bare_copy, ends


@pytest.mark.parametrize("nbytes", [0, 1, 4096, 4097, 2 << 20, (2 << 20) + 1])
def test_what_is_written_in_place_is_what_is_read(path: str, name: str, nbytes: int) -> None:
    data = os.urandom(nbytes)
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        writer = store.create(name, nbytes=nbytes)
        assert (writer.name, writer.nbytes, len(writer.memoryview())) == (name, nbytes, nbytes)
        assert writer.memoryview().tobytes() == bytes(nbytes), "fresh memory is zero"
        writer.memoryview()[:] = data
        assert name not in reader
        buffer = writer.seal()
        assert buffer == data
        assert reader.get(name) == data
        assert store.get(name).address == buffer.address, "it is mapped already"
        store.delete(name)


def test_a_block_seals_at_its_end(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with store.create(name, nbytes=5) as writer:
            writer.memoryview()[:] = b"hello"
        assert store.get(name) == b"hello"
        store.delete(name)


def test_a_block_that_raises_aborts(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with pytest.raises(ZeroDivisionError), store.create(name, nbytes=5) as writer:
            writer.memoryview()[0] = 1 // 0
        assert repr(writer) == f"<sealbuf.Writer {name!r} nbytes=5 state=aborted>"
        assert name not in store
        store.put(b"free again", name)
        store.delete(name)


def fail_half_way(writer: sealbuf.Writer) -> None:
    writer.memoryview()[0] = 1
    raise ZeroDivisionError


@pytest.mark.parametrize("nbytes", [5, 3 << 20])
def test_a_block_that_raises_leaves_nothing(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store:
        figures = ("used", "unfinished", "unfinished_bytes", "buffers")
        for turn in range(3):
            with pytest.raises(ZeroDivisionError), store.create(name, nbytes=nbytes) as writer:
                fail_half_way(writer)
            del writer
            now = descriptors(), [store.stats()[each] for each in figures]
            if turn == 0:
                first = now
        assert now == first
        assert store.list(name) == []


def test_a_block_that_ended_the_writer_itself_is_left_alone(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with store.create(name, nbytes=5) as writer:
            writer.abort()
        assert name not in store
        with store.create(name, nbytes=5) as writer:
            assert writer.seal(2) == bytes(2)
        assert len(store.get(name)) == 2
        store.delete(name)


@pytest.mark.parametrize("nbytes", [0, 1, 4999, 5000])
def test_fewer_bytes_than_created_can_be_sealed(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        writer = store.create(name, nbytes=5000)
        writer.memoryview()[:] = b"x" * 5000
        for buffer in (writer.seal(nbytes), store.get(name), reader.get(name)):
            assert (len(buffer), buffer.nbytes, buffer.shape) == (nbytes, nbytes, (nbytes,))
            assert buffer == b"x" * nbytes
        store.delete(name)


@pytest.mark.parametrize("nbytes", [-1, 6, 2**63])
def test_more_bytes_than_created_cannot(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store, store.create(name, nbytes=5) as writer:
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            writer.seal(nbytes)
        assert caught.value.message == f"size out of bounds: nbytes={nbytes} min=0 max=5"
        writer.memoryview()[:] = b"still"
        writer.abort()


def test_a_writer_that_has_ended_says_how(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, nbytes=5)
        assert repr(writer) == f"<sealbuf.Writer {name!r} nbytes=5 state=open>"
        writer.seal()
        for call in (writer.seal, writer.memoryview, writer.abort):
            with pytest.raises(sealbuf.Closed) as caught:
                call()
            assert caught.value.message == f"writer is sealed: name={name}"
        store.delete(name)
        writer = store.create(name, nbytes=5)
        writer.abort()
        writer.abort()
        for call in (writer.seal, writer.memoryview):
            with pytest.raises(sealbuf.Closed) as caught:
                call()
            assert caught.value.message == f"writer is aborted: name={name}"


@pytest.mark.parametrize("nbytes", [5, 3 << 20])
def test_views_that_are_alive_at_the_seal_go_on_reading(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, nbytes=nbytes)
        view = writer.memoryview()
        numbers = np.frombuffer(view, "u1")
        view[:5] = b"hello"
        buffer = writer.seal()
        del writer
        assert view[:5].tobytes() == numbers[:5].tobytes() == buffer[:5].tobytes() == b"hello"
        assert np.frombuffer(view, "u1").ctypes.data == buffer.address
        store.delete(name)


def test_a_write_through_an_old_view_ends_that_process(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, nbytes=5)
        view = writer.memoryview()
        writer.seal()

        def write() -> None:
            faulthandler.disable()
            view[0] = 1

        assert ends(write) == -signal.SIGSEGV
        assert store.get(name) == bytes(5)
        store.delete(name)


def test_a_forked_copy_holds_up_the_seal_until_it_is_gone(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, nbytes=5)
        writer.memoryview()[:] = b"hello"
        with bare_copy():
            for _ in range(2):
                with pytest.raises(sealbuf.StillMapped, match=(
                    r"^a seal needs every writable mapping and forked copy gone: "
                    r"buffer=\d+ waited_ms=\d+; "
                )):  # fmt: skip
                    writer.seal()
            assert name not in store
            assert repr(writer) == f"<sealbuf.Writer {name!r} nbytes=5 state=read-only>"
            assert writer.memoryview().readonly
            assert writer.memoryview().tobytes() == b"hello"
        assert writer.seal(4) == b"hell"
        assert store.get(name) == b"hell"
        store.delete(name)


def test_a_seal_that_was_refused_can_be_given_up(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with store.create(name, nbytes=5) as writer:
            with bare_copy(), pytest.raises(sealbuf.StillMapped):
                writer.seal()
            writer.abort()
        store.put(b"free again", name)
        store.delete(name)


def test_views_of_an_aborted_writer_show_private_memory(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        before = store.stats()["used"]
        writer = store.create(name, nbytes=3 << 20)
        view = writer.memoryview()
        view[:5] = b"hello"
        writer.abort()
        assert view[:5].tobytes() == bytes(5)
        view[:5] = b"mine!"
        assert store.stats()["used"] == before


def test_a_writer_that_is_dropped_gives_its_name_back(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with pytest.warns(ResourceWarning, match=rf"^writer was dropped: name={name}$"):
            store.create(name, nbytes=5)
        store.put(b"free again", name)
        assert store.stats()["unfinished"] == 0
        store.delete(name)


def test_the_end_of_a_session_aborts_what_it_left(path: str, name: str) -> None:
    store = sealbuf.connect(path)
    writer = store.create(name, nbytes=5)
    store.close()
    with pytest.raises(sealbuf.Closed) as caught:
        writer.seal()
    assert caught.value.message == f"store is closed: socket={path}"
    writer.abort()
    with sealbuf.connect(path) as another:
        for _ in range(1000):
            if another.stats()["unfinished"] == 0:
                break
        another.put(b"free again", name)
        another.delete(name)


def test_numpy_writes_in_place(path: str, name: str) -> None:
    numbers = np.arange(1_000_000, dtype="<i8")
    with sealbuf.connect(path) as store:
        with store.create(name, nbytes=numbers.nbytes) as writer:
            np.frombuffer(writer.memoryview(), "<i8")[...] = numbers
        assert np.array_equal(np.frombuffer(store.get(name).memoryview(), "<i8"), numbers)
        store.delete(name)


def test_numpy_takes_a_writer_as_it_is(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        with store.create(name, nbytes=np.prod([3, 4])) as writer:
            array = np.asarray(writer)
            array[...] = 7
        assert store.get(name) == bytes([7]) * 12
        assert array.tolist() == [7] * 12, "it goes on reading the same memory"
        with pytest.raises(sealbuf.Closed, match=rf"^writer is sealed: name={name}; "):
            np.asarray(writer)
        store.delete(name)


if sys.version_info < (3, 12):

    def test_on_python_3_11_a_writer_has_no_buffer_protocol_but_a_view(
        path: str, name: str
    ) -> None:
        with sealbuf.connect(path) as store, store.create(name, nbytes=5) as writer:
            with pytest.raises(TypeError, match="bytes-like object is required"):
                memoryview(writer)  # type: ignore[arg-type]
            memoryview(writer.memoryview())[0] = 8
            writer.abort()
else:

    def test_from_python_3_12_on_a_writer_has_the_buffer_protocol(path: str, name: str) -> None:
        with sealbuf.connect(path) as store:
            writer = store.create(name, nbytes=5)
            np.frombuffer(writer, "u1")[:] = 7
            memoryview(writer)[0] = 8
            with bare_copy(), pytest.raises(sealbuf.StillMapped):
                writer.seal()
            with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
                np.frombuffer(writer, "u1").setflags(write=True)
            assert writer.seal() == bytes([8, 7, 7, 7, 7])
            store.delete(name)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_there_is_one_writer_of_a_buffer(
    path: str, name: str, duplicate: Callable[[object], object]
) -> None:
    with sealbuf.connect(path) as store:
        with store.create(name, nbytes=5) as writer:
            with pytest.raises(TypeError) as caught:
                duplicate(writer)
            assert str(caught.value) == (
                f"a writer cannot be copied or pickled; send the Buffer that seal returns: "
                f"name={name}"
            )
            store.ping()
            writer.memoryview()[:] = b"hello"
        assert store.get(name) == b"hello"
        store.delete(name)
