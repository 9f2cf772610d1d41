"""Every verb of a store, and every error that the daemon answers with, as a user meets them."""

import array
import os
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import sealbuf
from harness.uids import ROOT, Uid

PUT_MAX = 262144


def message(kind: type[sealbuf.Error], call: object, *arguments: object, **named: object) -> str:
    assert callable(call)
    with pytest.raises(kind) as caught:
        call(*arguments, **named)
    assert type(caught.value) is kind
    return caught.value.message


@pytest.mark.parametrize("nbytes", [0, 1, 63, 64, 65, 4096, PUT_MAX, PUT_MAX + 1, 5 << 20])
def test_what_is_put_is_got(path: str, name: str, nbytes: int) -> None:
    data = os.urandom(nbytes)
    with sealbuf.connect(path) as store:
        put = store.put(data, name)
        got = store.get(name)
        assert put.to_bytes() == got.to_bytes() == data
        assert put == got
        store.delete(name)


def test_a_buffer_says_what_it_is(path: str, name: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    with sealbuf.connect(path) as store:
        put = store.put(b"hello", name)
        for buffer in (put, store.get(name)):
            assert (buffer.name, buffer.nbytes, len(buffer)) == (name, 5, 5)
            assert (buffer.format, buffer.itemsize) == ("B", 1)
            assert (buffer.shape, buffer.strides) == ((5,), (1,))
            assert (buffer.readonly, buffer.metadata) == (True, b"")
            assert buffer.owner == os.getuid()
            assert before < buffer.created < datetime.now(UTC) + timedelta(seconds=1)
            assert buffer.version == put.version
            assert repr(buffer) == f"<sealbuf.Buffer {name!r} version={put.version} nbytes=5>"
        assert store.put(b"later", f"{name}/2").version > put.version
        store.delete(name, f"{name}/2")


def test_a_name_of_the_stores_own_is_given_to_what_has_none(path: str) -> None:
    with sealbuf.connect(path) as store:
        first, second = store.put(b"1"), store.put(bytes(PUT_MAX + 1))
        assert first.name != second.name
        assert store.get(first.name) == b"1"
        assert store.get(second.name) == second
        store.delete(first.name, second.name)


def sources() -> dict[str, tuple[object, bytes]]:
    numbers = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    structured = np.zeros(3, dtype=[("a", "<i4"), ("b", "<f8")])
    return {
        "bytes": (b"abc", b"abc"),
        "bytearray": (bytearray(b"abc"), b"abc"),
        "array": (array.array("d", [1.5]), array.array("d", [1.5]).tobytes()),
        "numpy": (numbers, numbers.tobytes()),
        "a structured array": (structured, structured.tobytes()),
        "a Fortran array": (np.asfortranarray(numbers), numbers.tobytes()),
        "every other item": (numbers[:, ::2], numbers[:, ::2].tobytes()),
        "backwards": (memoryview(b"abc")[::-1], b"cba"),
        "no dimension": (np.array(7, dtype="<u2"), b"\7\0"),
        "empty": (np.zeros((0, 3)), b""),
    }


@pytest.mark.parametrize("kind", sources())
@pytest.mark.parametrize("times", [1, 100_000])
def test_any_object_with_the_buffer_protocol_is_put_as_its_bytes(
    path: str, name: str, kind: str, times: int
) -> None:
    source, expected = sources()[kind]
    if times > 1:
        source = np.broadcast_to(np.frombuffer(expected, "u1"), (times, len(expected)))
        expected *= times
    with sealbuf.connect(path) as store:
        assert store.put(source, name).to_bytes() == expected  # type: ignore[arg-type]
        store.delete(name)


def test_a_buffer_can_be_put_again(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        again = store.put(store.put(b"hello", name), f"{name}/again")
        assert again == b"hello"
        store.delete(name, f"{name}/again")


@pytest.mark.parametrize("data", ["text", 5, None, [1, 2]])
def test_other_objects_are_a_type_error(path: str, data: object) -> None:
    with sealbuf.connect(path) as store, pytest.raises(TypeError, match="bytes-like object"):
        store.put(data)  # type: ignore[arg-type]


def test_a_name_that_is_not_there(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        assert name not in store
        assert message(sealbuf.NotFound, store.get, name) == f"no such buffer: name={name}"
        assert (
            message(sealbuf.NotFound, store.delete, name) == f"no buffer has this name: name={name}"
        )
        with pytest.raises(KeyError):
            store.get(name)


def test_membership_follows_put_and_delete(path: str, name: str) -> None:
    with sealbuf.connect(path) as store, sealbuf.connect(path) as other:
        store.put(b"1", name)
        assert name in store
        assert name in other
        other.delete(name)
        assert name not in store
        assert "" not in store
        assert "\ud800" not in store


def test_a_name_is_taken_once(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"1", name)
        taken = f"a buffer has this name already: name={name}"
        assert message(sealbuf.AlreadyExists, store.put, b"2", name) == taken
        assert message(sealbuf.AlreadyExists, store.put, bytes(PUT_MAX + 1), name) == taken
        assert message(sealbuf.AlreadyExists, store.create, name, nbytes=1) == taken
        assert store.get(name) == b"1"
        store.delete(name)
        with store.create(name, nbytes=1):
            writing = f"a buffer is being written under this name: name={name}"
            assert message(sealbuf.AlreadyExists, store.put, b"2", name) == writing
        store.delete(name)


def test_names_are_checked_before_anything_is_sent(path: str) -> None:
    with sealbuf.connect(path) as store:
        for call in (store.get, store.delete, lambda bad: store.put(b"", bad)):
            assert message(sealbuf.InvalidName, call, "a\n") == (
                "name has a control character: char=U+000A at=1"
            )
            assert message(sealbuf.InvalidName, call, "x" * 256) == (
                "name too long: bytes=256 max=255"
            )
            assert message(sealbuf.InvalidName, call, "") == "name is empty: bytes=0 min=1"


@pytest.mark.parametrize("nbytes", [-1, 2**53, 2**63 - 1, 2**63])
def test_a_size_that_cannot_be_is_refused(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store:
        assert message(sealbuf.InvalidRequest, store.create, name, nbytes=nbytes) == (
            f"size out of bounds: nbytes={nbytes} min=0 max=9007199254740991"
        )


@pytest.mark.parametrize("nbytes", [2**40, 2**53 - 1])
def test_a_size_beyond_the_capacity_is_store_full(path: str, name: str, nbytes: int) -> None:
    with sealbuf.connect(path) as store:
        with pytest.raises(sealbuf.StoreFull) as caught:
            store.create(name, nbytes=nbytes)
        assert caught.value.message.startswith("no room below the capacity: requested=")
        with pytest.raises(MemoryError):
            store.create(name, nbytes=nbytes)
        assert name not in store
        store.put(b"", name)
        store.delete(name)


def test_unfinished_buffers_are_limited(path: str) -> None:
    with sealbuf.connect(path) as store:
        writers = [store.create(nbytes=1) for _ in range(1024)]
        assert message(sealbuf.QuotaExceeded, store.create, nbytes=1) == (
            "too many unfinished buffers of one session: unfinished=1024 max=1024"
        )
        for writer in writers:
            writer.abort()
        store.create(nbytes=1).abort()


@pytest.mark.several_uids
def test_a_buffer_of_somebody_else_can_be_read_and_not_deleted(path: str, foreign: str) -> None:
    with sealbuf.connect(path) as store:
        assert store.get(foreign) == b"theirs"
        assert store.get(foreign).owner == Uid.READER
        assert message(sealbuf.NotPermitted, store.delete, foreign) == (
            f"a buffer is deleted by the uid that published it: name={foreign} "
            f"owner={Uid.READER} uid={Uid.PRODUCER}"
        )
        with pytest.raises(PermissionError):
            store.delete(foreign)
        assert foreign in store


@pytest.mark.several_uids
@pytest.mark.uid(Uid.DAEMON)
def test_the_daemons_own_uid_deletes_what_it_likes(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"1", name)
        store.delete(name)


@pytest.mark.several_uids
@pytest.mark.uid(Uid.ATTACKER, groups=())
def test_a_socket_of_others_says_what_to_ask_for(path: str) -> None:
    assert message(sealbuf.NotPermitted, sealbuf.connect, path) == (
        "the socket is not for this user, ask for membership in the daemon's group: "
        f"uid={Uid.ATTACKER} socket={path}"
    )


def test_a_namespace_that_is_not_there_is_not_open(path: str) -> None:
    assert message(sealbuf.NotPermitted, sealbuf.connect, path, namespace="training") == (
        f"no such namespace, or not open to this uid: namespace=training uid={os.geteuid()}"
    )


def test_delete_takes_several_names_and_stops_at_the_first_that_fails(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        first, absent, last = (f"{name}/{part}" for part in ("first", "absent", "last"))
        store.put(b"1", first)
        store.put(b"2", last)
        with pytest.raises(sealbuf.NotFound):
            store.delete(first, absent, last)
        assert (first in store, last in store) == (False, True)
        with pytest.raises(sealbuf.InvalidName):
            store.delete(last, "")
        assert last in store
        store.delete(last)
        store.delete()


def test_a_listing_is_sorted_and_can_be_cut(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        names = sorted(f"{name}/{part}" for part in (*"abcde", "é", "\U0001f600"))
        for each in reversed(names):
            store.put(each.encode(), each)
        store.put(b"", f"{name}-not")
        prefix = f"{name}/"
        entries = store.list(prefix)
        assert [entry.name for entry in entries] == names
        for entry in entries:
            buffer = store.get(entry.name)
            assert (entry.version, entry.nbytes) == (buffer.version, buffer.nbytes)
            assert (entry.format, entry.shape) == (buffer.format, buffer.shape)
            assert (entry.owner, entry.created) == (buffer.owner, buffer.created)
        assert [entry.name for entry in store.list(prefix, limit=2)] == names[:2]
        assert [entry.name for entry in store.list(prefix, after=names[1])] == names[2:]
        assert [e.name for e in store.list(prefix, after=names[1], limit=1)] == names[2:3]
        assert store.list(prefix, limit=0) == []
        assert store.list(prefix, after=names[-1]) == []
        assert message(sealbuf.InvalidRequest, store.list, limit=-1) == "limit is below 0: limit=-1"
        store.delete(*names, f"{name}-not")
        assert store.list(prefix) == []


def test_a_listing_of_many_pages_has_each_name_once(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        names = [f"{name}/{number:04}" for number in range(2500)]
        for each in names:
            store.put(b"", each)
        assert [entry.name for entry in store.list(name)] == names
        store.delete(*names)


def test_stats_have_the_figures_of_the_document(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        before = store.stats()
        store.put(bytes(1 << 20), name)
        after = store.stats()
        assert after["dedicated"] == int(before["dedicated"]) + 1
        assert int(after["used"]) >= int(before["used"]) + (1 << 20)
        assert after["buffer_bytes"] == int(before["buffer_bytes"]) + (1 << 20)
        store.delete(name)
        assert store.stats()["dedicated"] == before["dedicated"]


def test_ping_says_how_long_it_took(path: str) -> None:
    with sealbuf.connect(path) as store:
        assert 0 < store.ping() < 5


def test_a_closed_store_says_so_and_its_buffers_live(path: str, name: str) -> None:
    store = sealbuf.connect(path)
    assert repr(store) == f"<sealbuf.Store socket={path!r} open>"
    small, large = store.put(b"hello", name), store.put(bytes(PUT_MAX + 1), f"{name}/large")
    store.close()
    store.close()
    assert repr(store) == f"<sealbuf.Store socket={path!r} closed>"
    assert small == b"hello", "its slab was mapped when the store was closed"
    assert len(large) == PUT_MAX + 1
    closed = f"store is closed: socket={path}"
    for call in (store.stats, store.ping, store.list, lambda: store.get(name)):
        assert message(sealbuf.Closed, call) == closed
    assert message(sealbuf.Closed, store.put, b"", f"{name}/x") == closed
    assert message(sealbuf.Closed, store.create, nbytes=1) == closed
    assert message(sealbuf.Closed, store.delete, name) == closed
    assert message(sealbuf.Closed, store.__contains__, name) == closed
    with sealbuf.connect(path) as another:
        another.delete(name, f"{name}/large")


def test_the_environment_names_the_socket(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALBUF_SOCKET", path)
    with sealbuf.connect() as store:
        store.ping()


def test_threads_share_a_store(path: str, name: str) -> None:
    faults: list[BaseException] = []

    def work(store: sealbuf.Store, number: int) -> None:
        try:
            for turn in range(50):
                mine = f"{name}/{number}/{turn}"
                data = f"{number}:{turn}".encode() * (1 + turn * 40)
                store.put(data, mine)
                assert store.get(mine) == data
                store.delete(mine)
                assert mine not in store
        except BaseException as fault:  # noqa: BLE001 - told by the main thread
            faults.append(fault)

    with sealbuf.connect(path) as store:
        threads = [threading.Thread(target=work, args=(store, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not faults


def test_nothing_here_runs_as_root(path: str) -> None:
    assert os.getuid() != 0
    if ROOT:
        assert os.getuid() == Uid.PRODUCER
    assert path
