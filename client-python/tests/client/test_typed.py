"""Typed buffers through a real daemon: all of `protocol/typed.json`, and how users see them."""

import gc
import hashlib
import sys
import weakref
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import sealbuf
from helpers.typed import Case, cases, unpublished
from sealbuf._limits import NDIM_MAX
from sealbuf._memory import _dedicated

BATCH = 500
ROWS = np.arange(12.0).reshape(3, 4)
TIMES = np.array(["2026-11-27", "NaT"], "M8[ns]")
DATA: dict[str, Any] = {
    "rows": ROWS,
    "columns": np.asfortranarray(ROWS),
    "one": np.array(1.5),
    "big-endian": ROWS.astype(">f4"),
    "structures": np.zeros(3, np.dtype("i1,f8", align=True)),
    "times": TIMES,
    "none": np.empty((2, 0), "i2"),
    "large": np.arange(100_000).reshape(100, 1000),
}


def batches() -> Iterator[list[Case]]:
    for at in range(0, len(cases()), BATCH):
        yield cases()[at : at + BATCH]


def same(buffer: sealbuf.Buffer, case: Case) -> bool:
    told = case.description
    found = (buffer.format, buffer.itemsize, buffer.shape, buffer.strides, buffer.nbytes)
    if found != (told.format, told.itemsize, told.shape, told.strides, case.nbytes):
        return False
    return bytes(buffer._view()) == case.content and as_numpy(buffer, case)


def as_numpy(buffer: sealbuf.Buffer, case: Case) -> bool:
    """Whether an array over it is what an array of that type, shape and order would be."""
    interface, told = buffer.__array_interface__, case.description
    dtype = np.dtype(interface.get("descr", interface["typestr"]))
    if len(told.shape + dtype.shape) > NDIM_MAX:
        return True  # with the axes of its sub-arrays NumPy has none
    array = np.asarray(buffer)
    expected = np.ndarray(told.shape, dtype, case.content, strides=told.strides)
    in_place = not array.size or array.ctypes.data == buffer.address
    found = (array.dtype, array.shape, array.strides)
    return in_place and found == (expected.dtype, expected.shape, expected.strides)


def view_of(buffer: sealbuf.Buffer) -> memoryview | None:
    """What a consumer of the buffer protocol sees, where there is one."""
    if sys.version_info < (3, 12):
        return None
    try:
        return memoryview(buffer)
    except BufferError:
        return None


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["put", "put_many"])
def test_every_format_shape_and_order_comes_through(path: str, how: str) -> None:
    with sealbuf.connect(path, timeout=30) as store:
        for batch in batches():
            publish(store, {case.seed: unpublished(case.source) for case in batch}, how)
            for case in batch:
                check(store.get(case.seed), case)
            store.delete(*(case.seed for case in batch))


def publish(store: sealbuf.Store, buffers: dict[str, sealbuf.Buffer], how: str) -> None:
    if how == "put_many":
        told = store.put_many(buffers)
    else:
        told = {name: store.put(buffer, name) for name, buffer in buffers.items()}
    assert told == buffers


def check(buffer: sealbuf.Buffer, case: Case) -> None:
    assert same(buffer, case), (buffer, case)
    told, view = case.description, view_of(buffer)
    assert (view is None) == bool(case.typestr or sys.version_info < (3, 12))
    if view is not None:
        assert (view.format, view.shape) == (told.format, told.shape), case
        assert (view.strides, view.itemsize) == (told.strides, told.itemsize), case
        assert (view.readonly, view.tobytes()) == (True, buffer.to_bytes()), case


@pytest.mark.parametrize("what", DATA)
@pytest.mark.parametrize("how", ["put", "put_many", "get_or_create", "metadata"])
def test_an_array_keeps_its_type(path: str, name: str, what: str, how: str) -> None:
    given, attached = DATA[what], b"attached" * 100 if how == "metadata" else b""
    with sealbuf.connect(path) as store:
        if how == "put_many":
            told = store.put_many({name: given})[name]
        elif how == "get_or_create":
            told = store.get_or_create(name, lambda: given)
        else:
            told = store.put(given, name, metadata=attached)
        for buffer in (told, store.get(name)):
            found = np.asarray(buffer)
            assert (found.dtype, found.shape) == (given.dtype, given.shape)
            assert found.size == 0 or found.strides == given.strides
            assert buffer.to_bytes() == given.tobytes()
            assert buffer.metadata == attached
        assert told == store.get(name)
        (entry,) = store.list(name)
        assert (entry.format, entry.shape) == (told.format, told.shape)
        store.delete(name)


def test_a_large_batch_shares_a_segment_and_keeps_its_types(path: str, name: str) -> None:
    given = {f"{name}/{what}": data for what, data in DATA.items()}
    assert sum(data.nbytes for data in given.values()) > 262144
    with sealbuf.connect(path) as store:
        told = store.put_many(given)
        for each, data in given.items():
            found = np.asarray(store.get(each))
            assert (found.dtype, found.shape) == (data.dtype, data.shape)
            assert store.get(each) == told[each]
            assert told[each].to_bytes() == data.tobytes()
        store.delete(*given)


def test_views_keep_the_memory_alive(path: str, name: str) -> None:
    """Of formats that only a view without an owner can show: nothing of it may dangle."""
    data = np.asfortranarray(np.arange(90_000.0).astype(">f8").reshape(300, 300))
    expected = hashlib.sha256(data.tobytes()).digest()
    with sealbuf.connect(path) as store:
        store.put(data, name)
        buffer = store.get(name)
        (mapping,) = map(weakref.ref, _dedicated)
        consumers: list[Any] = [np.asarray(buffer)]
        if sys.version_info >= (3, 12):
            view = memoryview(buffer)
            consumers += [view, memoryview(view), buffer.memoryview(), buffer.__buffer__(0)]
        store.delete(name)
    del store, buffer
    if sys.version_info >= (3, 12):
        del view
    churned = [bytes(100_000) for _ in range(100)]
    while consumers:
        gc.collect()
        assert mapping() is not None
        assert hashlib.sha256(np.asarray(consumers[0]).tobytes()).digest() == expected
        assert np.asarray(consumers.pop(0)).dtype == data.dtype
    gc.collect()
    assert mapping() is None, "and not longer"
    del churned


def test_the_digest_is_of_the_bytes_as_they_lie(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        rows = store.put(ROWS, name)
        columns = store.put(np.asfortranarray(ROWS), name, replace=True)
        assert rows.digest() == hashlib.sha256(bytes(rows)).digest()
        assert columns.digest() == hashlib.sha256(ROWS.T.tobytes()).digest()
        assert rows == columns
        assert hash(rows) == hash(columns) == hash(ROWS.tobytes())
        store.delete(name)


def test_it_says_what_it_is(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        rows, times = store.put(ROWS, name), store.put(TIMES, f"{name}/times")
        told = f"version={rows.version} format='d' shape=(3, 4) nbytes=96"
        assert repr(rows) == f"<sealbuf.Buffer '{name}' {told}>"
        told = f"version={times.version} format='<M8[ns]' shape=(2,) nbytes=16"
        assert repr(times) == f"<sealbuf.Buffer '{name}/times' {told}>"
        store.delete(name, f"{name}/times")


def test_dates_have_no_buffer_and_numpy_reads_them(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(TIMES, name)
        assert np.array_equal(np.asarray(buffer), TIMES, equal_nan=True)
        assert buffer == store.put(buffer, f"{name}/again")
        assert buffer != store.put(TIMES.view("<i8"), f"{name}/integers")
        if sys.version_info >= (3, 12):
            with pytest.raises(BufferError) as caught:
                memoryview(buffer)
            assert str(caught.value) == (
                f"no buffer format can say this type, use numpy.asarray: "
                f"name={name} typestr=<M8[ns]"
            )
            plain: Any = buffer  # no format is asked for
            assert zlib.crc32(plain) == zlib.crc32(TIMES.tobytes())
            assert hashlib.sha256(plain).digest() == buffer.digest()
        integers: Any = np.asarray(buffer.memoryview()).view("i8")
        assert np.array_equal(integers, TIMES.view("i8"))
        store.delete(name, f"{name}/again", f"{name}/integers")


def test_a_buffer_that_is_released_and_shown_again_is_whole(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(np.asfortranarray(ROWS), name)
        for _ in range(3):
            with buffer.memoryview() as view:
                assert view.nbytes == ROWS.nbytes
            assert np.array_equal(np.asarray(buffer), ROWS)
        store.delete(name)
