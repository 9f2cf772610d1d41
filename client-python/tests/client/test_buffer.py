"""Published buffers in use: as bytes, as arrays, and against whoever would like to change them."""

import ctypes
import inspect
import sys
from array import array

import numpy as np
import pytest

import sealbuf

DATA = bytes(range(256)) * 20
LARGE = bytes(range(256)) * 2000


@pytest.fixture(params=[DATA, LARGE], ids=["in a slab", "in a segment of its own"])
def data(request: pytest.FixtureRequest) -> bytes:
    chosen: bytes = request.param
    return chosen


@pytest.fixture(params=["put", "got", "sealed"])
def how(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def published(store: sealbuf.Store, data: bytes, name: str, how: str) -> sealbuf.Buffer:
    """A buffer, by each way in which a program may come to one. Its name is free again."""
    if how == "sealed":
        writer = store.create(name, nbytes=len(data))
        writer.memoryview()[:] = data
        buffer = writer.seal()
    else:
        buffer = store.put(data, name)
        if how == "got":
            buffer = store.get(name)
    store.delete(name)
    return buffer


def test_it_behaves_as_bytes(path: str, name: str, data: bytes, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, data, name, how)
        assert len(buffer) == buffer.nbytes == len(data)
        assert bytes(buffer) == buffer.to_bytes() == data
        assert (buffer[0], buffer[-1], buffer[7]) == (data[0], data[-1], data[7])
        assert buffer[3:9] == data[3:9]
        assert buffer[::-1] == data[::-1]
        assert list(buffer) == list(data)
        assert 7 in buffer
        assert bool(buffer)
        assert hash(buffer) == hash(data)
        assert {data: "found"}[buffer] == "found"  # type: ignore[index]
        with pytest.raises(IndexError):
            buffer[len(data)]


def test_equality_is_that_of_bytes(path: str, name: str, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, DATA, name, how)
        for same in (DATA, bytearray(DATA), memoryview(DATA), np.frombuffer(DATA, "u1"), buffer):
            assert np.all(buffer == same)
        assert buffer == DATA
        assert buffer == published(store, DATA, name, "put")
        other = DATA[:-1] + b"\0"
        for different in (other, DATA[:-1], published(store, other, name, "got"), "text", None, 5):
            assert buffer != different
        assert buffer != array("I", DATA), "the same bytes, but other items"


def test_a_view_that_is_released_leaves_the_buffer_alone(
    path: str, name: str, data: bytes, how: str
) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, data, name, how)
        with buffer.memoryview() as view:
            assert view == data
        assert buffer == data


def test_a_slice_copies_nothing(path: str, name: str, data: bytes, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, data, name, how)
        part = buffer[100:200]
        assert isinstance(part, sealbuf.Buffer)
        assert part.readonly
        assert part == data[100:200]
        assert np.asarray(part).ctypes.data == part.address == buffer.address + 100


def test_no_python_code_can_write_to_it(path: str, name: str, data: bytes, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, data, name, how)
        view = buffer.memoryview()
        assert view.readonly
        with pytest.raises(TypeError, match="cannot modify read-only memory"):
            view[0] = 1
        with pytest.raises(TypeError, match="does not support item assignment"):
            buffer[0] = 1  # type: ignore[index]
        with pytest.raises(TypeError, match="not writable"):
            ctypes.c_char.from_buffer(view)
        numbers = np.asarray(buffer)
        with pytest.raises(ValueError, match="read-only"):
            numbers[0] = 1
        for flagged in (numbers, np.frombuffer(view, "u1")):
            with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
                flagged.setflags(write=True)
        assert buffer == data


def test_numpy_sees_the_same_memory(path: str, name: str, data: bytes, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, data, name, how)
        numbers = np.asarray(buffer)
        assert numbers.dtype == np.uint8
        assert numbers.shape == buffer.shape
        assert not numbers.flags.writeable
        assert numbers.ctypes.data == buffer.address
        assert numbers.tobytes() == data
        del buffer
        assert int(numbers.sum()) == sum(data)


def test_numpy_reads_what_has_no_bytes(path: str, name: str, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, b"", name, how)
        assert np.asarray(buffer).shape == (0,)
        assert (buffer == b"", bytes(buffer), list(buffer), bool(buffer)) == (True, b"", [], False)
        assert hash(buffer) == hash(b"")


def test_it_lives_longer_than_its_name(path: str, name: str, data: bytes, how: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = published(store, data, name, how)
        assert name not in store
        store.put(b"somebody else's", name)
        assert buffer == data
        assert buffer.name == name
        store.delete(name)


def test_two_gets_share_one_mapping(path: str, name: str, data: bytes) -> None:
    with sealbuf.connect(path) as store:
        store.put(data, name)
        first, second = store.get(name), store.get(name)
        assert first.address == second.address
        store.delete(name)


if sys.version_info >= (3, 12):
    from collections.abc import Buffer

    def test_from_python_3_12_on_it_has_the_buffer_protocol(path: str, name: str) -> None:
        with sealbuf.connect(path) as store:
            buffer = published(store, DATA, name, "got")
            assert isinstance(buffer, Buffer)
            assert memoryview(buffer) == DATA
            assert memoryview(buffer).readonly
            assert b"".join([buffer, b"!"]) == DATA + b"!"
            assert np.frombuffer(buffer, "u1").ctypes.data == buffer.address
            with pytest.raises(BufferError) as caught:
                buffer.__buffer__(inspect.BufferFlags.WRITABLE)
            assert str(caught.value) == f"a sealed buffer cannot be written to: name={name}"
else:

    def test_on_python_3_11_it_has_no_buffer_protocol_but_a_view(path: str, name: str) -> None:
        with sealbuf.connect(path) as store:
            buffer = published(store, DATA, name, "got")
            with pytest.raises(TypeError, match="bytes-like object is required"):
                memoryview(buffer)  # type: ignore[arg-type]
            assert memoryview(buffer.memoryview()) == DATA
