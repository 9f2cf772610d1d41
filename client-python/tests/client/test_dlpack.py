"""Buffers as tensors: what a consumer of DLPack gets, who is refused, and when memory goes."""

import ctypes
import gc
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sealbuf
from helpers.ends import ends
from helpers.typed import cases, unpublished
from sealbuf import _tensor as dlpack
from sealbuf._source import Source
from sealbuf._tensor import _Tensor

ROWS = np.arange(12.0).reshape(3, 4)
TENSORS: dict[str, Any] = {
    "bytes": np.frombuffer(b"hello", "u1"),
    "rows": ROWS,
    "columns": np.asfortranarray(ROWS),
    "one": np.array(1.5),
    "none": np.empty((2, 0), "i2"),
    "flags": np.array([True, False]),
    "halves": np.arange(3, dtype="f2"),
    "complex": np.arange(3, dtype="c16"),
    "large": np.arange(1_000_000, dtype="i4"),
}
NO_TENSORS: dict[str, Any] = {
    "big-endian": ROWS.astype(">f4"),
    "structures": np.zeros(3, "i1,f8"),
    "times": np.array(["2026-11-27"], "M8[ns]"),
    "letters": np.array([b"ab"]),
    "long doubles": np.zeros(2, "longdouble"),
}
NAME = b"dltensor_versioned"


def segments() -> int:
    return Path("/proc/self/maps").read_text().count("/memfd:")


def struct_of(capsule: Any) -> Any:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return _Tensor.from_address(pointer(capsule, NAME))


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(BufferError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("what", TENSORS)
def test_numpy_takes_it_without_a_copy_and_read_only(path: str, name: str, what: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(TENSORS[what], name)
        array = np.from_dlpack(buffer)
        assert (array.dtype, array.shape) == (TENSORS[what].dtype, TENSORS[what].shape)
        assert np.array_equal(array, TENSORS[what])
        assert not array.flags.writeable
        if array.size:
            assert (array.strides, array.ctypes.data) == (TENSORS[what].strides, buffer.address)
        store.delete(name)
    del buffer
    gc.collect()
    assert np.array_equal(array, TENSORS[what])
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
        array.setflags(write=True)


@pytest.mark.parametrize("what", NO_TENSORS)
def test_what_dlpack_has_no_type_for_is_refused(what: str) -> None:
    buffer = unpublished(Source.of(NO_TENSORS[what]))
    assert refusal(lambda: np.from_dlpack(buffer)).startswith("no type of DLPack for these items")


def test_of_all_typed_cases_numpy_gets_what_it_gets_otherwise_or_a_refusal() -> None:
    taken = 0
    for case in cases():
        buffer = unpublished(case.source)
        try:
            array = np.from_dlpack(buffer)
        except BufferError:
            continue
        expected = np.asarray(buffer)
        assert array.dtype == expected.dtype
        assert array.tobytes("A") == expected.tobytes("A")
        taken += 1
    assert taken > 100


def test_who_cannot_be_told_that_it_is_read_only_is_refused(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
        old = "DLPack before 1.0 cannot say that memory is read-only: max_version="
        assert refusal(buffer.__dlpack__) == f"{old}None"
        assert refusal(lambda: buffer.__dlpack__(max_version=(0, 8))) == f"{old}(0, 8)"
        assert refusal(lambda: buffer.__dlpack__(max_version=(1, 0), dl_device=(2, 0))) == (
            "the memory is the CPU's: dl_device=(2, 0) available=(1, 0)"
        )
        assert refusal(lambda: buffer.__dlpack__(max_version=(1, 0), stream=1)) == (
            "the CPU has no streams: stream=1"
        )
        assert buffer.__dlpack_device__() == (1, 0)
        store.delete(name)


def test_the_struct_says_what_the_standard_asks_for(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(np.asfortranarray(ROWS), name)
        told = struct_of(buffer.__dlpack__(max_version=(1, 3), dl_device=(1, 0)))
        assert (told.major, told.minor, told.flags, told.ndim) == (1, 0, dlpack.READ_ONLY, 2)
        assert (told.device_type, told.device_id, told.byte_offset) == (1, 0, 0)
        assert (told.code, told.bits, told.lanes, told.data) == (2, 64, 1, buffer.address)
        axes = ctypes.c_int64 * 2
        assert list(axes.from_address(told.shape)) == [3, 4]
        assert list(axes.from_address(told.strides)) == [1, 3]
        store.delete(name)


def test_a_copy_is_private_and_may_be_written_to(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(ROWS, name)
        array = np.from_dlpack(buffer, copy=True)
        array[0, 0] = 7
        assert np.asarray(buffer)[0, 0] == 0
        assert array.ctypes.data != buffer.address
        assert struct_of(buffer.__dlpack__(max_version=(1, 0), copy=True)).flags == dlpack.IS_COPIED
        store.delete(name)


def test_a_part_is_a_tensor_of_its_bytes(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        part = store.put(b"hello", name)[1:3]
        array = np.from_dlpack(part)
        assert (array.tobytes(), array.ctypes.data) == (b"el", part.address)
        store.delete(name)


def test_memory_goes_with_the_last_tensor_whatever_thread_drops_it(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(bytes(1 << 20), name)
        store.get(name)  # which maps the slab of its record, too
        before, out = segments(), dlpack.out()
        for _ in range(20):
            kept = [np.from_dlpack(store.get(name)) for _ in range(3)]
            assert segments() == before + 1
            thread = threading.Thread(target=kept.clear)
            thread.start()
            thread.join()
            dlpack.sweep()
            assert (segments(), dlpack.out()) == (before, out)
        store.delete(name)


def test_a_thread_without_the_interpreters_lock_may_give_back(path: str, name: str) -> None:
    """As a library in C++ does from a thread of its own: CDLL lets go of the lock."""
    with sealbuf.connect(path) as store:
        store.put(bytes(1 << 20), name)
        store.get(name)
        before = segments()
        capsule = store.get(name).__dlpack__(max_version=(1, 0))
        rename = ctypes.pythonapi.PyCapsule_SetName
        rename.argtypes = [ctypes.py_object, ctypes.c_char_p]
        told = struct_of(capsule)
        rename(capsule, b"used_dltensor_versioned")
        del capsule
        libc = ctypes.CDLL(None)
        number = ctypes.c_ulong()
        libc.pthread_create.argtypes = [ctypes.c_void_p] * 4
        assert libc.pthread_create(
            ctypes.byref(number), None, told.deleter, ctypes.addressof(told)
        ) == 0  # fmt: skip
        libc.pthread_join.argtypes = [ctypes.c_ulong, ctypes.c_void_p]
        assert libc.pthread_join(number, None) == 0
        dlpack.sweep()
        assert segments() == before
        store.delete(name)


def test_what_nobody_takes_goes_when_the_next_is_made(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(bytes(1 << 20), name)
        other = store.put(b"other")
        store.get(name)
        before, out = segments(), dlpack.out()
        for _ in range(20):
            store.get(name).__dlpack__(max_version=(1, 0))
        taken = np.from_dlpack(other)
        dlpack.sweep()
        assert (segments(), dlpack.out()) == (before, out + 1)
        assert bytes(taken) == b"other"
        store.delete(name)


def test_a_consumer_that_fails_says_so_itself(path: str, name: str) -> None:
    """Its exception is on its way while the capsule goes."""
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)

        def refusing() -> None:
            capsule = buffer.__dlpack__(max_version=(1, 0))
            np.from_dlpack(Foreign(capsule))

        class Foreign:
            def __init__(self, capsule: Any) -> None:
                struct_of(capsule).code = 99
                self.capsule = capsule

            def __dlpack__(self, **_: Any) -> Any:
                capsule, self.capsule = self.capsule, None
                return capsule

            def __dlpack_device__(self) -> tuple[int, int]:
                return dlpack.CPU

        with pytest.raises((RuntimeError, BufferError), match=r"[Uu]nsupported"):
            refusing()
        store.delete(name)


def test_a_tensor_keeps_the_name_of_what_has_none(path: str) -> None:
    with sealbuf.connect(path) as store:
        array = np.from_dlpack(store.put(ROWS))
        gc.collect()
        assert len(store.list("buffer-")) == 1
        assert pickle.loads(pickle.dumps(array)).tolist() == ROWS.tolist()
        del array
        dlpack.sweep()
        store.ping()
        assert store.list("buffer-") == []


def test_an_exception_on_its_way_is_not_lost_when_a_tensor_goes(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"hello", name)
        with pytest.raises(ValueError, match="read-only"):
            np.from_dlpack(store.get(name))[0] = 1
        store.delete(name)


def test_what_was_given_back_goes_by_itself(path: str, name: str) -> None:
    """Also when no store is open any more; a look is due twice a second."""
    with sealbuf.connect(path) as store:
        store.put(bytes(1 << 20), name)
        array = np.from_dlpack(store.get(name))
        store.delete(name)
    held = segments()
    del array
    while dlpack.out() or segments() == held:
        gc.collect()


def test_many_that_come_and_go_do_not_pile_up(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
        most = 0
        for _ in range(1000):
            np.from_dlpack(buffer)
            most = max(most, dlpack.out())
        assert most <= 2 * dlpack._LEAST
        kept = [np.from_dlpack(buffer) for _ in range(100)]
        assert dlpack.out() >= len(kept)
        store.delete(name)


def test_a_forked_child_has_its_own(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        array = np.from_dlpack(store.put(b"hello", name))

        def child() -> None:
            nonlocal array
            assert bytes(array) == b"hello"
            before = dlpack.out()
            del array
            dlpack.sweep()
            assert dlpack.out() < before

        assert ends(child) == 0
        dlpack.sweep()
        assert bytes(array) == b"hello"
        store.delete(name)
