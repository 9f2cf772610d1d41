"""Typed buffers that are written in place."""

import sys
from typing import Any, Literal

import numpy as np
import pytest

import sealbuf
from sealbuf import InvalidRequest

KINDS: list[tuple[Any, Any, Literal["C", "F"]]] = [
    ((4, 3), "float32", "C"),
    ((4, 3), "float32", "F"),
    (5, "uint8", "C"),
    ((), ">i4", "C"),
    ((2, 0), "int16", "C"),
    ((3,), "datetime64[ns]", "C"),
    ((2, 3), ">M8[s]", "F"),
    ((2,), [("a", "u1"), ("b", "f8")], "C"),
    ((2, 2), "c16", "F"),
    ((3,), "U4", "C"),
    ((2,), ("f4", (2, 3)), "C"),
    ((300, 400), "bool", "F"),
]


@pytest.mark.parametrize(("shape", "dtype", "order"), KINDS)
def test_numpy_writes_where_it_will_be_read(
    path: str, name: str, shape: Any, dtype: Any, order: Literal["C", "F"]
) -> None:
    expected = np.zeros(shape, dtype, order=order)
    expected.reshape(-1).view("u1")[:] = np.arange(expected.nbytes) % 2
    with sealbuf.connect(path) as store:
        with store.create(name, shape=shape, dtype=dtype, order=order, metadata=b"m") as writer:
            array = np.asarray(writer)
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
            assert array.flags.writeable
            assert not array.size or array.strides == expected.strides
            array[...] = expected
            assert writer.nbytes == expected.nbytes
            del array
        buffer = store.get(name)
        found = np.asarray(buffer)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
        assert buffer.metadata == b"m"
        store.delete(name)


def test_its_memoryview_has_the_items(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, shape=(2, 3), dtype="int32")
        view = writer.memoryview()
        assert (view.format, view.shape, view.readonly) == ("i", (2, 3), False)
        view[1, 2] = -7
        assert writer.seal()[1, 2] == -7
        store.delete(name)


def test_dates_have_no_buffer(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, shape=2, dtype="M8[s]")
        if sys.version_info >= (3, 12):
            with pytest.raises(BufferError) as caught:
                memoryview(writer)
            assert str(caught.value) == (
                f"no buffer format can say this type, use numpy.asarray: name={name} typestr=<M8[s]"
            )
        writer.abort()


def test_fewer_bytes_are_fewer_rows(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        writer = store.create(name, shape=(4, 3), dtype="f8")
        np.asarray(writer)[...] = np.arange(12.0).reshape(4, 3)
        sealed = writer.seal(48)
        for buffer in (sealed, reader.get(name)):
            assert (buffer.shape, buffer.strides, buffer.nbytes) == ((2, 3), (24, 8), 48)
            assert np.array_equal(np.asarray(buffer), np.arange(6.0).reshape(2, 3))
        store.delete(name)


@pytest.mark.parametrize(
    ("order", "nbytes", "multiple"), [("C", 50, 24), ("F", 48, 96), ("F", 0, 96), ("C", 8, 24)]
)
def test_a_seal_of_half_a_row_is_refused_and_changes_nothing(
    path: str, name: str, order: Literal["C", "F"], nbytes: int, multiple: int
) -> None:
    with sealbuf.connect(path) as store:
        writer = store.create(name, shape=(4, 3), dtype="f8", order=order)
        with pytest.raises(InvalidRequest) as caught:
            writer.seal(nbytes)
        assert caught.value.message == (
            f"a shorter buffer has fewer items along its first axis, in C order: "
            f"nbytes={nbytes} multiple_of={multiple}"
        )
        assert not writer.memoryview().readonly
        assert writer.seal(96).shape == (4, 3)
        store.delete(name)


def test_the_largest_metadata_travels_both_ways(path: str, name: str) -> None:
    attached = bytes(range(256)) * 256
    with sealbuf.connect(path) as store:
        put = store.put(b"x", name, metadata=attached[:-1])
        assert put.metadata == store.get(name).metadata == attached[:-1]
        with store.create(f"{name}/written", nbytes=5, metadata=attached[:-1]):
            pass
        assert store.get(f"{name}/written").metadata == attached[:-1]
        for call in (
            lambda: store.put(b"x", metadata=attached),
            lambda: store.create(nbytes=5, metadata=attached),
        ):
            with pytest.raises(InvalidRequest) as caught:
                call()
            assert caught.value.message == "metadata too long: bytes=65536 max=65535"
        store.delete(name, f"{name}/written")
