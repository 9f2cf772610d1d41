"""`lifetime="session"`: a buffer with a name that goes with its producer, however that ends."""

import os
import signal
from collections.abc import Callable

import pytest

import sealbuf
from client.test_unnamed import wait_until_gone
from helpers.ends import ends

LARGE = bytes([7]) * (1 << 20)

Put = Callable[[sealbuf.Store, str], object]


def put_small(store: sealbuf.Store, name: str) -> None:
    store.put(b"hello", name, lifetime="session")


def put_large(store: sealbuf.Store, name: str) -> None:
    store.put(LARGE, name, lifetime="session")


def put_large_into_a_spare(store: sealbuf.Store, name: str) -> None:
    for _ in range(3):
        store.put(LARGE, name, lifetime="session", replace=True)


def created(store: sealbuf.Store, name: str) -> None:
    with store.create(name, nbytes=5, lifetime="session") as writer:
        writer.memoryview()[:] = b"hello"


def in_a_batch(store: sealbuf.Store, name: str) -> None:
    store.put_many({name: b"hello"}, lifetime="session")


def in_a_large_batch(store: sealbuf.Store, name: str) -> None:
    store.put_many({name: LARGE}, lifetime="session")


ways = pytest.mark.parametrize(
    "put",
    [put_small, put_large, put_large_into_a_spare, created, in_a_batch, in_a_large_batch],
)


@ways
def test_it_goes_when_its_store_is_closed_and_views_stay(path: str, name: str, put: Put) -> None:
    with sealbuf.connect(path) as reader:
        with sealbuf.connect(path) as store:
            put(store, name)
            view = reader.get(name).memoryview()
            expected = bytes(view)
        wait_until_gone(reader, name)
        assert view == expected


@ways
def test_it_goes_with_a_producer_that_is_killed(path: str, name: str, put: Put) -> None:
    def produce() -> None:
        put(sealbuf.connect(path), name)
        os.kill(os.getpid(), signal.SIGKILL)

    assert ends(produce) == -signal.SIGKILL
    with sealbuf.connect(path) as reader:
        wait_until_gone(reader, name)


def test_what_another_put_under_the_name_stays(path: str, name: str) -> None:
    with sealbuf.connect(path) as other:
        with sealbuf.connect(path) as store:
            store.put(b"for now", name, lifetime="session")
            store.put(b"witness", f"{name}/witness", lifetime="session")
            other.put(b"for good", name, replace=True)
        wait_until_gone(other, f"{name}/witness")
        assert other.get(name) == b"for good"
        other.delete(name)


def test_no_other_lifetime_is_known(path: str, name: str) -> None:
    with (
        sealbuf.connect(path) as store,
        pytest.raises(sealbuf.InvalidRequest, match=r"^no such lifetime: lifetime='process'"),
    ):
        store.put(b"", name, lifetime="process")  # type: ignore[arg-type]
