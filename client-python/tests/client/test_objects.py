"""Python objects: pickled into one buffer, their arrays read where they lie."""

import os
import pickle
import random
import struct
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import sealbuf
from client.test_unnamed import wait_until_gone
from client.test_waiting import LONG, later
from harness.daemon import Daemon
from harness.uids import Uid
from sealbuf._objects import MARK, Pickled, parts_of

RECORDS = np.array([(1, 2.5), (3, 4.5)], dtype=[("id", "<i4"), ("x", "<f8")])
LARGE = np.arange(1 << 18, dtype="float64")
"""2 MiB, so in a segment of its own."""

OBJECTS: dict[str, Any] = {
    "None": None,
    "nested": {"a": [1, 2.5, "text", b"bytes", ("tuple", {1, 2})], "none": None},
    "text of 1 MiB": "x" * (1 << 20),
    "array": np.arange(12).reshape(3, 4),
    "Fortran order": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "not in one run": np.arange(100)[::3],
    "no items": np.empty((0, 3)),
    "no axes": np.array(7.5),
    "dates": np.array(["2026-11-27", "NaT"], dtype="datetime64[D]"),
    "structures": RECORDS,
    "big-endian": np.arange(5, dtype=">f4"),
    "large": LARGE,
    "many": [np.full(at, at, dtype="int16") for at in range(300)],
    "Python objects": np.array([{"a": 1}, None, "text"], dtype=object),
    "buffers of its own": [pickle.PickleBuffer(b"one"), pickle.PickleBuffer(bytearray(b""))],
}


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        equal = np.array_equal(left, right, equal_nan=left.dtype.kind == "M")
        return bool(left.dtype == right.dtype and equal)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, pickle.PickleBuffer):
        return bytes(left) == bytes(right)
    return bool(left == right)


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_comes_back_as_it_was_put(path: str, name: str, kind: str) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as reader:
        put = store.put_object(OBJECTS[kind], name)
        assert (put.name, put.metadata) == (name, b"sealbuf-object/1")
        for each in (reader, store):
            got = each.get_object(name)
            assert type(got) is type(OBJECTS[kind]) or kind == "no axes"
            assert same(OBJECTS[kind], got)
        assert [entry.name for entry in store.list(name)] == [name]
        store.delete(name)


@pytest.mark.parametrize("array", [np.arange(10), LARGE], ids=["small", "large"])
def test_arrays_are_read_only_views_of_the_shared_pages(
    path: str, name: str, array: np.ndarray[Any, Any]
) -> None:
    with sealbuf.connect(path) as store:
        store.put_object(
            {"first": b"x" * 100, "array": array, "transposed": array[:, None].T}, name
        )
        pages = store.get(name)
        first, again = store.get_object(name), store.get_object(name)
        for key in ("array", "transposed"):
            at = first[key].__array_interface__["data"][0]
            assert pages.address < at < pages.address + pages.nbytes
            assert (at - pages.address) % 64 == 0
            assert again[key].__array_interface__["data"][0] == at
            assert not first[key].flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                first[key][0] = 1
            with pytest.raises(ValueError, match="WRITEABLE"):
                first[key].flags.writeable = True
        store.delete(name)


def test_arrays_keep_their_memory_after_name_and_store_are_gone(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put_object([np.arange(10), LARGE], name)
        small, large = store.get_object(name)
        store.delete(name)
    assert small.tolist() == list(range(10))
    assert np.array_equal(large, LARGE)


def test_an_object_is_one_publication(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, store.watch(name) as watch:
        before = int(store.stats()["dedicated"])
        buffer = store.put_object([LARGE, LARGE + 1, "text"], name)
        assert int(store.stats()["dedicated"]) == before + 1
        assert [event.version for event in watch.ready()] == [buffer.version]
        store.delete(name)


def test_an_object_is_put_on_the_terms_of_put(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put_object(1, name)
        with pytest.raises(sealbuf.AlreadyExists):
            store.put_object(2, name)
        store.put_object(3, name, replace=True, timeout=1)
        assert store.get_object(name) == 3
        with later(lambda: store.put_object(LARGE, f"{name}/later", ttl=60)):
            assert np.array_equal(store.get_object(f"{name}/later", LONG), LARGE)
        with pytest.raises(sealbuf.NotFound):
            store.get_object(f"{name}/none")
        with pytest.raises(sealbuf.Timeout):
            store.get_object(f"{name}/none", timeout=0.01)
        with pytest.raises(sealbuf.InvalidName):
            store.put_object(1, "a\n")
        store.delete(name, f"{name}/later")
    with pytest.raises(sealbuf.Closed):
        store.put_object(1, name)


@pytest.mark.parametrize("obj", ["text", LARGE], ids=["small", "large"])
def test_an_object_without_a_name_ends_with_its_buffer(path: str, obj: Any) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put_object(obj)
        name = buffer.name
        assert same(obj, store.get_object(name))
        del buffer
        wait_until_gone(store, name)


def test_what_cannot_be_pickled_publishes_nothing(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        before = store.stats()["used"]
        with pytest.raises((pickle.PicklingError, AttributeError)):
            store.put_object(lambda: None, name)
        with pytest.raises(pickle.PicklingError):
            store.put_object(pickle.PickleBuffer(memoryview(b"abc")[::2]), name)
        assert name not in store
        assert store.stats()["used"] == before


@pytest.fixture
def foreign_object(daemon: Daemon, name: str) -> Iterator[str]:
    """The name of an object that another uid published."""
    theirs = f"{name}/foreign"
    pickled = Pickled.of({"theirs": np.arange(3)})
    payload = bytearray(pickled.nbytes)
    pickled.write(memoryview(payload))
    with daemon.open(Uid.READER) as client:
        fields = {"name": theirs, "metadata_bytes": len(MARK)}
        client.expect("published", "put", MARK + bytes(payload), **fields)
        yield theirs
        client.expect("deleted", "delete", name=theirs)


@pytest.mark.several_uids
def test_an_object_of_another_uid_is_unpickled_only_when_told_to(
    path: str, foreign_object: str
) -> None:
    with sealbuf.connect(path) as store:
        with pytest.raises(sealbuf.NotPermitted) as caught:
            store.get_object(foreign_object)
        assert caught.value.message == (
            f"unpickling runs whatever the publisher chose, so an object of another user needs "
            f"allow_pickle=True: name={foreign_object} owner={Uid.READER} uid={Uid.PRODUCER}"
        )
        with pytest.raises(PermissionError):
            store.get_object(foreign_object, timeout=1)
        assert store.get_object(foreign_object, allow_pickle=True)["theirs"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("metadata", [None, MARK[:-1], MARK + b"\0", b"sealbuf-object/2"])
def test_what_put_object_did_not_publish_is_no_object(
    path: str, name: str, metadata: bytes | None
) -> None:
    with sealbuf.connect(path) as store:
        content = store.put_object("an object", f"{name}/real").to_bytes()
        store.put(content, name, metadata=metadata)
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            store.get_object(name, allow_pickle=True)
        shown = (metadata or b"")[: len(MARK)]
        assert caught.value.message == (
            f"not an object: put_object did not publish it: name={name} "
            f"metadata={shown!r} expected=b'sealbuf-object/1'"
        )
        store.delete(name, f"{name}/real")


NO_INDEX = "object without a whole index: name={name} nbytes={nbytes} count={count}"
OTHER_LENGTH = (
    "object of another length than its index says: name={name} nbytes={nbytes} count={count} "
    "says={says}"
)
BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", NO_INDEX.format(name="{}", nbytes=0, count=0)),
    "half a number": (b"\1\0\0", NO_INDEX.format(name="{}", nbytes=3, count=0)),
    "no parts": (bytes(64), NO_INDEX.format(name="{}", nbytes=64, count=0)),
    "an index beyond the end": (
        struct.pack("<2Q", 2, 1),
        NO_INDEX.format(name="{}", nbytes=16, count=2),
    ),
    "as many parts as there are numbers": (
        struct.pack("<Q", 2**64 - 1) + bytes(56),
        NO_INDEX.format(name="{}", nbytes=64, count=2**64 - 1),
    ),
    "a part beyond the end": (
        struct.pack("<2Q", 1, 2) + bytes(49),
        OTHER_LENGTH.format(name="{}", nbytes=65, count=1, says=66),
    ),
    "a part as long as memory": (
        struct.pack("<2Q", 1, 2**64 - 1) + bytes(49),
        OTHER_LENGTH.format(name="{}", nbytes=65, count=1, says=2**64 + 63),
    ),
    "something behind the last part": (
        struct.pack("<2Q", 1, 1) + bytes(50),
        OTHER_LENGTH.format(name="{}", nbytes=66, count=1, says=65),
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_index_that_lies_is_refused(path: str, name: str, kind: str) -> None:
    payload, message = BAD[kind]
    with sealbuf.connect(path) as store:
        store.put(payload, name, metadata=MARK)
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            store.get_object(name)
        assert caught.value.message == message.format(name)
        store.delete(name)


def test_what_unpickling_raises_goes_on_to_the_caller(path: str, name: str) -> None:
    index = struct.pack("<2Q", 1, 4) + bytes(48)
    with sealbuf.connect(path) as store:
        store.put(index + b"junk", name, metadata=MARK)
        with pytest.raises(pickle.UnpicklingError):
            store.get_object(name)
        buffers: list[pickle.PickleBuffer] = []
        taken = pickle.dumps(pickle.PickleBuffer(b"1"), 5, buffer_callback=buffers.append)
        index = struct.pack("<2Q", 1, len(taken)) + bytes(48)
        store.put(index + taken, name, metadata=MARK, replace=True)
        with pytest.raises(pickle.UnpicklingError):
            store.get_object(name)
        store.delete(name)


def test_no_lie_about_lengths_reads_outside(rng: random.Random) -> None:
    pickled = Pickled.of([np.arange(3), b"abc", np.arange(5, dtype="uint8")])
    honest = bytearray(pickled.nbytes)
    pickled.write(memoryview(honest))
    index_bytes = pickled.parts[0].nbytes
    for _ in range(20_000):
        payload = bytearray(honest[: rng.randrange(len(honest) + 1)])
        for _ in range(rng.randrange(3)):
            if payload:
                at = rng.randrange(min(index_bytes, len(payload)))
                payload[at] = rng.choice([0, 1, 8, 64, 255, rng.randrange(256)])
        try:
            parts = parts_of(memoryview(payload), "fuzzed")
        except sealbuf.InvalidRequest:
            continue
        assert sum(part.nbytes for part in parts) <= len(payload)
        assert pickled.offsets[1] % 64 == 0


def test_a_large_object_is_copied_once(path: str, name: str) -> None:
    """Straight into shared memory: nothing of its size is allocated on the way."""
    array = np.frombuffer(os.urandom(1 << 20) * 64, dtype="uint8")
    with sealbuf.connect(path) as store:
        tracemalloc.start()
        store.put_object({"array": array}, name)
        got = store.get_object(name)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < array.nbytes // 8
        assert np.array_equal(got["array"], array)
        store.delete(name)


def test_what_fails_while_it_writes_itself_publishes_nothing(
    path: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = np.zeros(1 << 20)

    def fails(pickled: Pickled, room: memoryview) -> None:
        raise OSError(f"no source: of={pickled.nbytes} into={room.nbytes}")

    with sealbuf.connect(path) as store:
        before = store.stats()["unfinished"]
        with monkeypatch.context() as patched:
            patched.setattr(Pickled, "write", fails)
            for _ in range(3):
                with pytest.raises(OSError, match="no source"):
                    store.put_object(array, name)
        assert store.stats()["unfinished"] == before
        assert name not in store
        for _ in range(3):
            store.put_object(array, name, replace=True)
        assert np.array_equal(store.get_object(name), array)
        store.delete(name)
