"""A pickled Buffer is a handle: it copies nothing, and opens although its name is gone."""

import copy
import io
import os
import pickle
import threading
from collections.abc import Callable

import pytest

import sealbuf
from helpers.descriptors import descriptors
from helpers.ends import ends
from sealbuf import _pool as pool
from sealbuf._handle import open_handle

SIZES = {"in a slab": 5000, "in a segment of its own": 1 << 20}
NO_NAME = "a buffer is sent by its name, which was deleted or replaced: name={} buffer={}"
USED_UP = (
    "the buffer's name was deleted or replaced, and its hold used up or older than 60 s: "
    "name={} buffer={}"
)
HANDLE_MAX = 500
"""Bytes; names are short here."""


def message(kind: type[sealbuf.Error], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value.message


def number(buffer: sealbuf.Buffer) -> int:
    return buffer._record.buffer


@pytest.mark.parametrize("nbytes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("how", ["put", "got", "sealed", "of a batch"])
def test_a_buffer_arrives_however_it_was_come_by(
    path: str, name: str, nbytes: int, how: str
) -> None:
    data = os.urandom(nbytes)
    with sealbuf.connect(path) as store:
        if how == "sealed":
            writer = store.create(name, nbytes=nbytes)
            writer.memoryview()[:] = data
            buffer = writer.seal()
        elif how == "of a batch":
            buffer = store.put_many({name: data, f"{name}/2": data})[name]
            store.delete(f"{name}/2")
        else:
            buffer = store.put(data, name)
        if how == "got":
            buffer = store.get(name)
        handle = pickle.dumps(buffer)
        assert len(handle) < HANDLE_MAX
        arrived = pickle.loads(handle)
        assert arrived == data
        assert (arrived.name, arrived.version) == (name, buffer.version)
        store.delete(name)
        assert arrived == data


@pytest.mark.parametrize("nbytes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_handle_opens_once_after_its_name_is_gone(
    path: str, name: str, nbytes: int, what: str
) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"1" * nbytes, name)
        handle, id_ = pickle.dumps(buffer), number(buffer)
        if what == "deleted":
            store.delete(name)
        else:
            store.put(b"another", name, replace=True)
        del buffer
        assert pickle.loads(handle) == b"1" * nbytes
        assert message(sealbuf.NotFound, lambda: pickle.loads(handle)) == USED_UP.format(name, id_)
        if what == "replaced":
            store.delete(name)


def test_a_handle_opens_often_while_the_name_is_there(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        handle = pickle.dumps(store.put(b"hello", name))
        for _ in range(3):
            assert pickle.loads(handle) == b"hello"
        store.delete(name)


def test_a_buffer_whose_name_is_gone_is_not_sent(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
        store.delete(name)
        gone = NO_NAME.format(name, number(buffer))
        assert message(sealbuf.NotFound, lambda: pickle.dumps(buffer)) == gone
        store.put(b"another", name)
        assert message(sealbuf.NotFound, lambda: pickle.dumps(buffer)) == gone
        store.delete(name)
        store.put(b"taken", name)
        taken = store.take(name)
        assert message(sealbuf.NotFound, lambda: pickle.dumps(taken)) == (
            NO_NAME.format(name, number(taken))
        )


def test_many_buffers_travel_in_one_pickle_and_one_often(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        batch = store.put_many({f"{name}/{at}": str(at).encode() for at in range(300)})
        first = batch[f"{name}/0"]
        message = pickle.dumps({"all": batch, "again": [first, first]})
        store.delete(*batch)
        arrived = pickle.loads(message)
        assert {each: bytes(buffer) for each, buffer in arrived["all"].items()} == {
            f"{name}/{at}": str(at).encode() for at in range(300)
        }
        assert arrived["again"][0] is arrived["again"][1] is arrived["all"][f"{name}/0"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_carries_it(path: str, name: str, protocol: int) -> None:
    with sealbuf.connect(path) as store:
        assert pickle.loads(pickle.dumps(store.put(b"hello", name), protocol)) == b"hello"
        store.delete(name)


def test_a_copy_is_the_same(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
        store.delete(name)
        assert copy.copy(buffer) is buffer
        assert copy.deepcopy([buffer])[0] is buffer


def test_a_buffer_outlives_its_store_on_its_way_too(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
    handle = pickle.dumps(buffer)
    with sealbuf.connect(path) as store:
        store.delete(name)
    assert pickle.loads(handle) == b"hello"


def test_a_buffer_is_sent_while_another_thread_closes_its_store(path: str, name: str) -> None:
    failed = []

    def send(buffer: sealbuf.Buffer, sending: threading.Event) -> None:
        try:
            for _ in range(20):
                assert pickle.loads(pickle.dumps(buffer)) == b"hello"
                sending.set()
        except BaseException as error:  # noqa: BLE001 - told in the main thread
            failed.append(repr(error))
            sending.set()

    with sealbuf.connect(path) as other:
        other.put(b"hello", name)
        for _ in range(10):
            with sealbuf.connect(path) as store:
                sending = threading.Event()
                arguments = store.get(name), sending
                threads = [threading.Thread(target=send, args=arguments) for _ in range(3)]
                for thread in threads:
                    thread.start()
                sending.wait()
            for thread in threads:
                thread.join()
        other.delete(name)
    assert failed == []


def test_what_was_opened_by_a_handle_can_be_sent_on(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        first = pickle.loads(pickle.dumps(store.put(b"hello", name)))
        assert pickle.loads(pickle.dumps(first)) == b"hello"
        store.delete(name)


def test_opening_handles_costs_one_session_and_no_descriptor_each(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        small, large = store.put(b"hello", name), store.put(bytes(1 << 20), f"{name}/large")
        pickle.loads(pickle.dumps([small, large]))
        before, sessions = descriptors(), store.stats()["sessions"]
        for _ in range(50):
            pickle.loads(pickle.dumps([small, large]))
        assert (descriptors(), store.stats()["sessions"]) == (before, sessions)
        store.delete(name, large.name)


def test_a_forked_child_sends_and_opens(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
        handle = pickle.dumps(buffer)
        pickle.loads(handle)
        reading, writing = os.pipe()

        def child() -> None:
            assert pickle.loads(handle) == b"hello"
            os.write(writing, pickle.dumps(buffer))

        assert ends(child) == 0
        assert pickle.loads(os.read(reading, 1 << 16)) == b"hello"
        assert pickle.loads(pickle.dumps(buffer)) == b"hello"
        store.delete(name)
        os.close(reading)
        os.close(writing)


def test_a_relative_socket_is_found_from_everywhere(path: str, name: str) -> None:
    folder = os.path.dirname(path)  # noqa: PTH120
    os.chdir(folder)
    with sealbuf.connect("sealbuf.sock") as store:
        handle, address = pickle.dumps(store.put(b"hello", name)), pickle.dumps(store)
        os.chdir("/")
        assert pickle.loads(handle) == b"hello"
        with pickle.loads(address) as again:
            again.delete(name)


def test_a_store_travels_as_its_address_and_connects_when_it_arrives(path: str, name: str) -> None:
    with sealbuf.connect(path, timeout=7.5) as store:
        store.put(b"hello", name)
        sessions = store.stats()["sessions"]
        with pickle.loads(pickle.dumps(store)) as arrived:
            assert store.stats()["sessions"] == int(sessions) + 1
            assert arrived.get(name) == b"hello"
            assert arrived._link.timeout == 7.5
            assert repr(arrived) == repr(store)
        store.delete(name)
    assert message(sealbuf.Closed, lambda: pickle.dumps(store)) == (
        f"store is closed: socket={path}"
    )


def parts(handle: bytes) -> tuple[object, ...]:
    """The arguments that a handle brings to its opener, as unpickling sees them."""
    seen: list[tuple[object, ...]] = []

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> object:
            assert (module, name) == ("sealbuf._handle", "open_handle"), "nothing else is called"
            return lambda *arguments: seen.append(arguments)

    Reader(io.BytesIO(handle)).load()
    (found,) = seen
    return found


FIELDS = ("socket", "namespace", "daemon", "buffer", "name", "hold")
TAMPERED: dict[str, tuple[object, str]] = {
    "socket": (5, "a handle's field is of another type: field=socket type=int expected=str"),
    "namespace": (None, "a handle's field is of another type: field=namespace type=NoneType "
                  "expected=str"),
    "daemon": (b"", "a handle's field is of another type: field=daemon type=bytes expected=str"),
    "buffer": (0, f"a handle's number is out of bounds: field=buffer value=0 min=1 "
               f"max={2**53 - 1}"),
    "name": ("", "name is empty: bytes=0 min=1"),
    "hold": (2**53, f"a handle's number is out of bounds: field=hold value={2**53} min=1 "
             f"max={2**53 - 1}"),
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_handle_that_is_damaged_is_refused_in_words(path: str, name: str, field: str) -> None:
    value, why = TAMPERED[field]
    with sealbuf.connect(path) as store:
        handle = dict(zip(FIELDS, parts(pickle.dumps(store.put(b"hello", name))), strict=True))
        assert open_handle(*handle.values()) == b"hello"
        with pytest.raises((sealbuf.InvalidRequest, sealbuf.InvalidName)) as caught:
            open_handle(*{**handle, field: value}.values())
        assert caught.value.message == why
        assert message(sealbuf.InvalidRequest, lambda: open_handle(path)) == (
            "a handle has other fields: fields=1 expected=6"
        )
        store.delete(name)


def test_a_handle_that_lies_opens_nothing_else(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        other = store.put(b"other", f"{name}/other")
        buffer = store.put(b"hello", name)
        socket, namespace, daemon, id_, _, hold = parts(pickle.dumps(buffer))
        wrong = (socket, namespace, daemon, id_, other.name, hold)
        assert message(sealbuf.NotFound, lambda: open_handle(*wrong)) == (
            USED_UP.format(other.name, id_)
        )
        store.delete(name)
        guessed = (socket, namespace, daemon, id_, name, 1)
        assert message(sealbuf.NotFound, lambda: open_handle(*guessed)) == (
            USED_UP.format(name, id_)
        )
        assert open_handle(socket, namespace, daemon, id_, name, hold) == b"hello"
        elsewhere = (socket, namespace, "f" * 16, id_, name, hold)
        assert message(sealbuf.NotFound, lambda: open_handle(*elsewhere)) == (
            f"the buffer went with its daemon, another one answers: name={name} "
            f"daemon={'f' * 16} now={daemon}"
        )
        nowhere = (f"{path}.no", namespace, daemon, id_, name, hold)
        assert message(sealbuf.NoDaemon, lambda: open_handle(*nowhere)) == (
            f"nobody listens at the socket: socket={path}.no error=No such file or directory"
        )
        store.delete(other.name)


def test_two_threads_that_open_first_share_one_session(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(b"hello", name)
        links = {id(pool.link_to(path, "default")) for _ in range(10)}
        assert len(links) == 1
        store.delete(name)
