"""Code for Plasma, over Sealbuf. What pyarrow's own tests of Plasma do, in words of ours."""

import os
import pickle
import random
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import sealbuf
from client.test_waiting import LONG, SOON, later
from harness.daemon import running
from helpers.ends import ended, forked
from sealbuf.compat import plasma
from sealbuf.compat.plasma._server import BESIDE_OBJECTS

CAPACITY = 64 << 20
PERCENT = CAPACITY // 100
LARGE = 1 << 20


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    """A store of Plasma's own: what one of its clients evicts is nobody else's."""
    with running(capacity=str(CAPACITY)) as daemon:
        yield daemon.path


@contextmanager
def connected(socket: str) -> Iterator[plasma.PlasmaClient]:
    client = plasma.connect(socket)
    yield client
    client.delete(list(client.list()))
    client.disconnect()


def new() -> plasma.ObjectID:
    return plasma.ObjectID.from_random()


def create(
    client: plasma.PlasmaClient, nbytes: int, metadata: bytes = b"", object_id: Any = None
) -> tuple[plasma.ObjectID, Any, bytes]:
    """A sealed object of random bytes: its id, the buffer it was written to, and the bytes."""
    object_id, data = object_id or new(), os.urandom(nbytes)
    buffer = client.create(object_id, nbytes, metadata)
    np.frombuffer(buffer, dtype="uint8")[:] = np.frombuffer(data, dtype="uint8")
    client.seal(object_id)
    return object_id, buffer, data


def test_what_is_got_is_what_the_module_calls_a_buffer(socket: str) -> None:
    with connected(socket) as client:
        object_id, _, data = create(client, 1000)
        (buffer,) = client.get_buffers([object_id])
        assert isinstance(buffer, plasma.PlasmaBuffer)
        assert bytes(buffer) == data
        del buffer


def test_an_id_is_20_bytes() -> None:
    with pytest.raises(ValueError, match="an object id is 20 bytes"):
        plasma.ObjectID("hello")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="an object id is 20 bytes"):
        plasma.ObjectID(19 * b"0")
    one, same, other = (plasma.ObjectID(19 * b"0" + last) for last in (b"0", b"0", b"1"))
    assert one == same
    assert one != other
    assert one != "foo"
    assert {one: 1}[same] == 1
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == f"ObjectID({20 * '30'})"
    assert new() != new()
    assert len(new().binary()) == 20


def test_nobody_at_the_socket_is_an_oserror(socket: str) -> None:
    with pytest.raises(OSError, match="nobody listens"):
        plasma.connect(f"{socket}-unknown", num_retries=1)


def test_what_was_created_is_got(socket: str) -> None:
    with connected(socket) as client, connected(socket) as other:
        for nbytes in (0, 1, 50, LARGE):
            object_id, buffer, data = create(client, nbytes)
            [got] = other.get_buffers([object_id])
            assert got.to_pybytes() == data
            assert not got.is_mutable
            assert buffer.size == nbytes
        assert client.store_socket_name == socket
        assert client.store_capacity() == CAPACITY - BESIDE_OBJECTS


def test_metadata_travel_with_the_data(socket: str) -> None:
    with connected(socket) as client:
        for nbytes in range(0, 1000, 37):
            metadata = os.urandom(nbytes)
            object_id, _, data = create(client, nbytes, bytearray(metadata))  # type: ignore[arg-type]
            [got] = client.get_metadata([object_id])
            assert got.to_pybytes() == metadata
            [(meta, buffer)] = client.get_buffers([object_id], with_meta=True)
            assert (meta, buffer.to_pybytes()) == (metadata, data)


def test_an_id_is_created_once(socket: str) -> None:
    with connected(socket) as client:
        for _ in range(100):
            object_id = new()
            client.create(object_id, 100, b"metadata")
            with pytest.raises(pa.lib.ArrowException):
                client.create(object_id, 100)
        client.create_and_seal(object_id := new(), b"a", b"b")
        with pytest.raises(plasma.PlasmaObjectExists) as caught:
            client.create_and_seal(object_id, b"a", b"b")
        assert isinstance(caught.value.__cause__, sealbuf.AlreadyExists)
        with pytest.raises(plasma.PlasmaObjectNotFound):
            client.seal(object_id)


def test_created_and_sealed_in_one_step(socket: str) -> None:
    with connected(socket) as client:
        ids = [new() for _ in range(200)]
        for at, object_id in enumerate(ids):
            client.create_and_seal(object_id, at * b"a", at * b"b")
        for at, object_id in enumerate(ids):
            [(metadata, data)] = client.get_buffers([object_id], with_meta=True)
            assert (data.to_pybytes(), metadata) == (at * b"a", at * b"b")


def test_what_does_not_come_in_time_is_none(socket: str) -> None:
    with connected(socket) as client:
        ids = [new() for _ in range(60)]
        for timeout in (0, 10, 100):
            assert client.get_buffers(ids, timeout_ms=timeout) == 60 * [None]
        data = {
            object_id: create(client, 2000, b"m" * 2000, object_id)[2] for object_id in ids[::2]
        }
        for timeout in (0, 10, 100):
            for object_id, got in zip(
                ids, client.get_buffers(ids, timeout_ms=timeout), strict=True
            ):
                assert (got and got.to_pybytes()) == data.get(object_id)
        assert client.get_metadata(ids[1:2], timeout_ms=0) == [None]


def test_what_is_not_sealed_is_not_there(socket: str) -> None:
    with connected(socket) as client:
        object_id = new()
        client.create(object_id, 10, b"metadata")
        for timeout in (0, 1):
            assert client.get_buffers([object_id], timeout, with_meta=True) == [(None, None)]
        assert not client.contains(object_id)
        client.seal(object_id)
        assert client.get_buffers([object_id], 0, with_meta=True)[0][1] is not None


def test_a_get_waits(socket: str) -> None:
    with connected(socket) as client, connected(socket) as other:
        object_id = new()
        with later(lambda: other.put("late", object_id)):
            assert client.get(object_id) == "late"


def test_memory_lives_as_long_as_what_was_read_from_it(socket: str) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1, 12, 23, 3, 34], pa.int32())], ["field1"])
    sink = pa.MockOutputStream()
    with pa.RecordBatchStreamWriter(sink, batch.schema) as writer:
        writer.write_batch(batch)
    with connected(socket) as client, connected(socket) as other:
        object_id = new()
        buffer = client.create(object_id, sink.size())
        with pa.RecordBatchStreamWriter(pa.FixedSizeBufferWriter(buffer), batch.schema) as writer:
            writer.write_batch(batch)
        client.seal(object_id)
        del buffer, writer
        [got] = other.get_buffers([object_id])
        reader = pa.RecordBatchStreamReader(got)
        read = reader.read_next_batch()
        del got, reader
        client.delete([object_id])
    assert read.equals(batch)


def test_objects_are_put_and_got(socket: str) -> None:
    with connected(socket) as client:
        for value in (["hello", "world", 3, 1.0], None, "hello", {"a": 1}):
            object_id = client.put(value)
            assert client.get([object_id]) == [value]
            assert client.get(object_id) == value
            assert client.get([new()], timeout_ms=0) == [plasma.ObjectNotAvailable]
        with pytest.warns(FutureWarning, match="which needs no serialization_context"):
            client.put(1, None, serialization_context=object())
        raw = client.put_raw_buffer(b"raw")
        with pytest.raises(sealbuf.InvalidRequest):
            client.get(raw)


def test_raw_buffers_are_put_and_got(socket: str) -> None:
    with connected(socket) as client:
        values: list[Any] = [b"Bytes Test", 10 * b"\0", bytearray(b"x"), np.arange(3)]
        for value in values:
            object_id = client.put_raw_buffer(value, metadata=b"RAW")
            [(metadata, data)] = client.get_buffers([object_id], with_meta=True)
            assert (metadata, data.to_pybytes()) == (b"RAW", bytes(memoryview(value).cast("B")))


def test_arrow_objects_are_written_in_place(socket: str) -> None:
    data = np.random.default_rng(1).standard_normal((10, 4))
    tensor = pa.Tensor.from_numpy(data)
    with connected(socket) as client:
        object_id = new()
        buffer = client.create(object_id, pa.ipc.get_tensor_size(tensor))
        pa.ipc.write_tensor(tensor, pa.FixedSizeBufferWriter(buffer))
        client.seal(object_id)
        [got] = client.get_buffers([object_id])
        read = pa.ipc.read_tensor(pa.BufferReader(got)).to_numpy()
        assert np.array_equal(read, data)


def test_a_full_store_evicts_what_nobody_here_holds(socket: str) -> None:
    with connected(socket) as client:
        kept = create(client, 40 * PERCENT)
        with pytest.raises(plasma.PlasmaStoreFull):
            client.create(new(), 70 * PERCENT)
        for _ in range(6):
            create(client, 20 * PERCENT)
        assert client.contains(kept[0])
        assert len(client.list()) <= 3
        for _ in range(3):
            client.put_raw_buffer(bytes(40 * PERCENT))
            client.put(np.zeros(40 * PERCENT, dtype="uint8"))
        assert client.contains(kept[0])
        object_id = new()
        for _ in range(3):
            with pytest.raises(plasma.PlasmaStoreFull):
                client.create(object_id, 2 * CAPACITY)


def test_contains_tells_what_is_sealed(socket: str) -> None:
    with connected(socket) as client:
        real, fake = [new() for _ in range(100)], [new() for _ in range(100)]
        for object_id in real:
            assert client.contains(object_id) is False
            create(client, 100, b"", object_id)
            assert client.contains(object_id) is True
        assert not any(client.contains(object_id) for object_id in fake)
        assert all(client.contains(object_id) for object_id in real)
        with pytest.raises(TypeError):
            client.contains(real[0].binary())  # type: ignore[arg-type]


def test_a_hash_is_that_of_data_and_metadata(socket: str) -> None:
    with connected(socket) as client:
        with pytest.raises(plasma.PlasmaObjectNotFound):
            client.hash(new())
        contents = [(b"a", b""), (b"a", b"a"), (b"aa", b""), (b"", b"a"), (b"", b""), (b"b", b"")]
        hashes = set()
        for data, metadata in contents:
            twins = [new(), new()]
            for object_id in twins:
                client.create_and_seal(object_id, data, metadata)
            first, second = map(client.hash, twins)
            assert first == second == client.hash(twins[0])
            assert len(first) == 8
            hashes.add(first)
        assert len(hashes) == len(contents)


def test_what_is_read_cannot_be_written_to(socket: str) -> None:
    with connected(socket) as client:
        object_id, buffer, _ = create(client, 1000)
        with pytest.raises(IndexError):
            buffer[1000]
        [got] = client.get_buffers([object_id])
        with pytest.raises(TypeError):
            got[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            np.frombuffer(got, dtype="uint8")[0] = 0


def test_evict_deletes_the_oldest_of_which_no_buffer_is_held(socket: str) -> None:
    with connected(socket) as client:
        _, buffer, _ = create(client, 1000)
        assert client.evict(1) == 0
        del buffer
        assert client.evict(1) == 1000
        second = new()
        unsealed = client.create(second, 999)
        create(client, 998)
        assert client.evict(1000) == 998
        create(client, 997, b"meta")
        client.seal(second)
        assert client.evict(1) == 1001
        assert client.evict(1) == 0
        del unsealed
        assert client.evict(1) == 999
        for nbytes in (996, 995, 994):
            create(client, nbytes)
        assert client.evict(2000) == 996 + 995 + 994
        object_id = client.put({"array": np.arange(1000)})
        array = client.get(object_id)["array"]
        assert client.evict(1) == 0
        del array
        assert client.evict(1) > 8000


def test_delete_leaves_buffers_valid(socket: str) -> None:
    with connected(socket) as client:
        object_id, _, data = create(client, LARGE)
        [got] = client.get_buffers([object_id])
        client.delete([object_id, new()])
        assert not client.contains(object_id)
        assert got.to_pybytes() == data


def test_subscribers_are_told_of_what_comes(socket: str, rng: random.Random) -> None:
    with connected(socket) as client:
        client.subscribe()
        for count in (1, 10, 100, 3000):
            sizes = [(rng.randrange(1000), rng.randrange(1000)) for _ in range(count)]
            ids = [new() for _ in range(count)]
            for object_id, (data, metadata) in zip(ids, sizes, strict=True):
                client.create_and_seal(object_id, bytes(data), bytes(metadata))
            told = [client.get_next_notification() for _ in range(count)]
            assert told == [(i, *each) for i, each in zip(ids, sizes, strict=True)]


def test_subscribers_read_a_socket(socket: str) -> None:
    with connected(socket) as client:
        client.subscribe()
        receiving = client.get_notification_socket()
        for nbytes in range(100):
            object_id = new()
            client.create_and_seal(object_id, bytes(nbytes), bytes(2 * nbytes))
            [length] = struct.unpack("L", receiving.recv(8))
            content = receiving.recv(length)
            assert client.decode_notifications(content) == ([object_id], [nbytes], [2 * nbytes])


def test_subscribers_are_told_of_what_goes(socket: str) -> None:
    with connected(socket) as client, connected(socket) as other:
        client.subscribe()
        for count in (1, 10, 50):
            ids = [create(other, at + 1, b"m" * (at % 3))[0] for at in range(count)]
            for at, object_id in enumerate(ids):
                assert client.get_next_notification() == (object_id, at + 1, at % 3)
            for at, object_id in enumerate(ids):
                assert client.evict(1) == at + 1 + at % 3
                assert client.get_next_notification() == (object_id, -1, -1)
        ids = [create(other, 0)[0] for _ in range(9)] + [create(other, 100)[0]]
        for object_id in ids:
            assert client.get_next_notification()[0] == object_id
        assert client.evict(1) == 100
        for object_id in ids:
            assert client.get_next_notification() == (object_id, -1, -1)


def test_subscribers_are_told_first_of_what_is_there(socket: str) -> None:
    with connected(socket) as client:
        ids = {client.put(at) for at in range(10)}
        client.subscribe()
        assert {client.get_next_notification()[0] for _ in ids} == ids
        with closing(sealbuf.connect(socket)) as store:
            store.put(b"", "plasma/no id")
            store.delete("plasma/no id")
        object_id = client.put("last")
        assert client.get_next_notification()[0] == object_id


def test_a_slow_subscriber_misses_nothing(socket: str) -> None:
    """More than the daemon and both sockets keep for one who does not read."""
    with connected(socket) as client:
        client.subscribe()
        ids = [new() for _ in range(20_000)]
        with closing(sealbuf.connect(socket)) as store:
            for at in range(0, len(ids), 1000):
                part = [f"plasma/{each.binary().hex()}" for each in ids[at : at + 1000]]
                store.put_many(dict.fromkeys(part, b""))
                store.delete(*part)
        last = client.put("last")
        came: dict[plasma.ObjectID, int] = {}
        while last not in came:
            object_id, nbytes, _ = client.get_next_notification()
            assert (nbytes == -1) == (object_id in came and came[object_id] != -1)
            came[object_id] = nbytes
        assert all(came[each] == -1 for each in came if each != last)


def test_a_disconnect_ends_who_waits_for_a_notification(socket: str) -> None:
    client = plasma.connect(socket)
    client.subscribe()
    ends: list[str] = []

    def wait() -> None:
        try:
            while True:
                client.get_next_notification()
        except ConnectionError as end:
            ends.append(str(end))

    reader = threading.Thread(target=wait)
    reader.start()
    time.sleep(0.2)
    client.disconnect()
    reader.join(20)
    assert ends == ["no more notifications: read=0 wanted=8"]


def test_a_put_into_a_full_store_evicts_at_once_what_it_takes(
    socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(socket) as client:
        evictions: list[int] = []
        evict = client.evict

        def counted(nbytes: int) -> int:
            evictions.append(nbytes)
            return evict(nbytes)

        monkeypatch.setattr(client, "evict", counted)
        for _ in range(8000):
            client.put_raw_buffer(bytes(10_000))
        client.put(np.zeros(10 << 20, dtype="uint8"))
        assert len(evictions) < 40, evictions
        assert client.store_capacity() >= CAPACITY - BESIDE_OBJECTS


def test_who_has_not_subscribed_is_told_nothing(socket: str) -> None:
    with connected(socket) as client:
        for call in (client.get_next_notification, client.get_notification_socket):
            with pytest.raises(sealbuf.InvalidRequest):
                call()


def test_list_tells_sizes_state_and_references(socket: str) -> None:
    with connected(socket) as client:
        began = time.time()
        unsealed = new()
        client.create(unsealed, 11, b"1234567")
        assert client.list() == {
            unsealed: {
                "data_size": 11, "metadata_size": 7, "ref_count": 0, "state": "created",
                "create_time": client.list()[unsealed]["create_time"], "construct_duration": 0,
            }
        }  # fmt: skip
        assert abs(client.list()[unsealed]["create_time"] - began) < LONG
        client.seal(unsealed)
        told = client.list()[unsealed]
        assert (told["state"], told["data_size"], told["metadata_size"]) == ("sealed", 11, 7)
        array_id = client.put(np.zeros(3))
        array = client.get(array_id)
        assert client.list()[array_id]["ref_count"] == 1
        del array
        assert client.list()[array_id]["ref_count"] == 0


def test_objects_outlive_the_client(socket: str) -> None:
    client = plasma.connect(socket)
    object_id = client.put(np.zeros(3))
    array = client.get(object_id)
    client.create(new(), 100)
    del client
    assert (array == np.zeros(3)).all()
    with connected(socket) as other:
        assert other.contains(object_id)
        assert len(other.list()) == 1


def blocked(socket: str, ids: list[plasma.ObjectID]) -> int:
    """The pid of a process that waits for all of them."""
    return forked(lambda: plasma.connect(socket).get(ids))


def test_a_client_that_dies_in_a_get_disturbs_nobody(socket: str) -> None:
    with connected(socket) as client:
        object_id = new()
        pid = blocked(socket, [object_id])
        time.sleep(2 * SOON)
        os.kill(pid, signal.SIGKILL)
        assert ended(pid) == -signal.SIGKILL
        client.put(1, object_id=object_id)
        assert not client.contains(new())


def test_a_client_waits_for_several_objects(socket: str) -> None:
    with connected(socket) as client:
        ids = [new() for _ in range(10)]
        pid = blocked(socket, ids)
        time.sleep(SOON)
        for object_id in ids:
            assert os.waitpid(pid, os.WNOHANG) == (0, 0)
            client.put(1, object_id=object_id)
        assert ended(pid) == 0


@pytest.mark.usefixtures("serving")
def test_a_store_is_started_and_ends_with_its_block() -> None:
    with plasma.start_plasma_store(plasma_store_memory=10**8) as (socket, process):
        assert process.poll() is None
        with connected(socket) as client:
            object_id = client.put("served")
            assert client.get(object_id) == "served"
            assert client.store_capacity() == 10**8
            for _ in range(2):
                create(client, 10**8)
            with pytest.raises(plasma.PlasmaStoreFull):
                client.create(new(), 2 * 10**8)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) == 0
    with (
        pytest.raises(sealbuf.InvalidRequest) as caught,
        plasma.start_plasma_store(10**8, external_store="hashtable://test"),
    ):
        pass
    assert caught.value.message == "this store has no such option: external_store=hashtable://test"
