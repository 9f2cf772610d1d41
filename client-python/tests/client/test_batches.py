"""Several buffers in one step: put_many in a frame or in a segment, delete of many names."""

import os
from typing import Any

import numpy as np
import pytest

import sealbuf
from harness.uids import Uid

PUT_MAX, BATCH_BYTES, BATCH_MAX = 262144, 1048576, 1024

BATCHES = {
    "one": [5],
    "empty buffers": [0, 0, 1],
    "as many as may be": [100] * BATCH_MAX,
    "as large as a frame may be": [PUT_MAX] * 4,
    "one byte more": [PUT_MAX] * 4 + [1],
    "one large": [PUT_MAX + 1],
    "large and empty": [1 << 20, 0, 63, 64, 65, 0, 300_000],
}


@pytest.mark.parametrize("kind", BATCHES)
def test_a_batch_is_published_whole(path: str, name: str, kind: str) -> None:
    data = {f"{name}/{at}": os.urandom(size) for at, size in enumerate(BATCHES[kind])}
    with sealbuf.connect(path) as store, sealbuf.connect(path) as other:
        put = store.put_many(data)
        assert list(put) == list(data)
        for each, expected in data.items():
            assert put[each].to_bytes() == other.get(each).to_bytes() == expected
            assert put[each].name == each
            assert put[each].version == other.get(each).version
            assert put[each].nbytes == len(expected)
            assert put[each].owner == os.getuid()
        assert len({buffer.version for buffer in put.values()}) == len(data)
        store.delete(*data)
        assert store.list(name) == []


@pytest.mark.parametrize("nbytes", [10, PUT_MAX + 1])
def test_a_batch_of_which_one_name_is_taken_is_not_published_at_all(
    path: str, name: str, nbytes: int
) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"there", f"{name}/2")
        used = store.stats()["used"]
        batch = {f"{name}/{at}": bytes(nbytes) for at in range(4)}
        with pytest.raises(sealbuf.AlreadyExists):
            store.put_many(batch)
        assert [entry.name for entry in store.list(name)] == [f"{name}/2"]
        assert store.get(f"{name}/2") == b"there"
        assert store.stats()["used"] == used
        put = store.put_many(batch, replace=True)
        assert store.get(f"{name}/2") == put[f"{name}/2"] == bytes(nbytes)
        store.delete(*batch)


def test_any_objects_with_the_buffer_protocol_are_put(path: str, name: str) -> None:
    numbers = np.arange(12, dtype="<f8").reshape(3, 4)
    with sealbuf.connect(path) as store:
        before = store.put(b"before", f"{name}/before")
        batch: dict[str, Any] = {
            "a": numbers[:, ::2],
            "b": before,
            "c": memoryview(b"abc")[::-1],
            "d": b"",
        }
        put = store.put_many({f"{name}/{key}": data for key, data in batch.items()})
        assert [each.to_bytes() for each in put.values()] == [
            numbers[:, ::2].tobytes(), b"before", b"cba", b"",
        ]  # fmt: skip
        store.delete(f"{name}/before", *put)


def test_nothing_is_a_batch_too_and_too_many_are_not(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        assert store.put_many({}) == {}
        with pytest.raises(sealbuf.InvalidRequest) as caught:
            store.put_many({f"{name}/{at}": b"" for at in range(BATCH_MAX + 1)})
        assert caught.value.message == "too many buffers for one batch: count=1025 max=1024"
        with pytest.raises(sealbuf.InvalidName):
            store.put_many({f"{name}/1": b"", "": b""})
        with pytest.raises(TypeError):
            store.put_many({f"{name}/1": b"", f"{name}/2": "text"})  # type: ignore[dict-item]
        assert store.list(name) == []


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), 4e9])
def test_a_time_to_live_is_a_number_of_seconds(path: str, name: str, ttl: float) -> None:
    with sealbuf.connect(path) as store:
        for call in (
            lambda: store.put(b"", name, ttl=ttl),
            lambda: store.create(name, nbytes=1, ttl=ttl),
            lambda: store.put_many({name: b""}, ttl=ttl),
        ):
            with pytest.raises(sealbuf.InvalidRequest) as caught:
                call()
            assert caught.value.message == f"ttl out of bounds: ttl={ttl} above=0 max=3153600000"


def test_a_shared_segment_lives_as_long_as_one_of_its_buffers(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        before = int(store.stats()["dedicated_bytes"])
        names = [f"{name}/{at}" for at in range(3)]
        put = store.put_many({each: each.encode() * 100_000 for each in names})
        assert int(store.stats()["dedicated_bytes"]) > before
        store.delete(*names[1:])
        assert store.get(names[0]) == names[0].encode() * 100_000
        store.delete(names[0])
        assert put[names[2]] == names[2].encode() * 100_000, "a Buffer outlives its name"


def test_more_names_than_a_batch_are_deleted(path: str, name: str) -> None:
    names = [f"{name}/{at}" for at in range(2 * BATCH_MAX + 10)]
    with sealbuf.connect(path) as store:
        for at in range(0, len(names), BATCH_MAX):
            store.put_many(dict.fromkeys(names[at : at + BATCH_MAX], b""))
        store.delete(*names)
        assert store.list(name) == []


def test_a_listing_of_many_pages_has_each_name_once(path: str, name: str) -> None:
    names = [f"{name}/{at:05}" for at in range(5000)]
    with sealbuf.connect(path) as store:
        for at in range(0, len(names), 1000):
            store.put_many(dict.fromkeys(names[at : at + 1000], b""))
        assert [entry.name for entry in store.list(name)] == names
        store.delete(*names)


@pytest.mark.several_uids
def test_what_somebody_else_published_is_not_replaced(path: str, foreign: str) -> None:
    with sealbuf.connect(path) as store:
        for call in (
            lambda: store.put(b"", foreign, replace=True),
            lambda: store.put_many({foreign: b""}, replace=True),
            lambda: store.take(foreign),
        ):
            with pytest.raises(sealbuf.NotPermitted):
                call()
        assert store.get(foreign) == b"theirs"
        assert store.get(foreign).owner == Uid.READER


def test_a_writer_replaces_at_its_seal(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        old = store.put(b"old", name)
        with store.create(name, nbytes=3, replace=True) as writer:
            writer.memoryview()[:] = b"new"
            assert store.get(name) == b"old"
        assert store.get(name) == b"new"
        assert old == b"old"
        store.delete(name)


def test_a_batch_is_a_mapping(path: str) -> None:
    batch: Any = [("a", b"")]
    with sealbuf.connect(path) as store, pytest.raises(TypeError) as caught:
        store.put_many(batch)
    assert str(caught.value) == "a batch is a mapping of names to data: type=list"
