"""A producer that goes on has its next segment at hand; if it does not, that goes back."""

import os
from pathlib import Path

import pytest

import sealbuf
from harness.bystander import within
from harness.daemon import Daemon
from sealbuf import _spare
from sealbuf._connection import Connection, _alive

SIZES = [300_000, 5 << 20]
"""Written by pwrite, and through a mapping."""


def connections() -> list[Connection]:
    return [connection for connection in _alive if connection.state == "open"]


def spares() -> int:
    return sum(len(connection.spares._slot) for connection in connections())


def put_until_spare(store: sealbuf.Store, size: int) -> bytes:
    """Puts one size until a publication brings a segment along; what was put last."""
    content = [b""]

    def has_spare() -> bool:
        content[0] = os.urandom(64) * (size // 64)
        store.put(content[0], "steady", replace=True)
        return spares() == 1

    assert within(20, has_spare)
    return content[0]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_put_into_a_spare_is_like_any_other_buffer(daemon: Daemon, size: int) -> None:
    with sealbuf.connect(daemon.path, timeout=20) as store:
        put_until_spare(store, size)
        content = os.urandom(64) * (size // 64)
        made = store.put(content, "next", metadata=b"said of it", ttl=60)
        assert made.name == "next"
        with sealbuf.connect(daemon.path, timeout=20) as other:
            found = other.get("next")
            assert found.to_bytes() == content
            assert (found.metadata, found.version) == (b"said of it", made.version)
        store.delete("next", "steady")


@pytest.mark.parametrize("size", SIZES)
def test_a_name_that_is_taken_is_refused_and_costs_nothing(daemon: Daemon, size: int) -> None:
    with sealbuf.connect(daemon.path, timeout=20) as store:
        content = put_until_spare(store, size)
        used = store.stats()["used"]
        with pytest.raises(sealbuf.AlreadyExists):
            store.put(bytes(len(content)), "steady")
        assert store.get("steady").to_bytes() == content
        assert within(20, lambda: store.stats()["used"] == used)
        store.delete("steady")


def test_a_spare_that_is_not_used_goes_back(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_spare, "KEEP_SECONDS", 0.01)
    with sealbuf.connect(daemon.path, timeout=20) as store:
        put_until_spare(store, SIZES[0])
        opened = len(list(Path("/proc/self/fd").iterdir()))
        assert within(20, lambda: spares() == 0)
        assert len(list(Path("/proc/self/fd").iterdir())) <= opened - 2
        store.delete("steady")


def test_another_size_gives_the_spare_back(daemon: Daemon) -> None:
    with sealbuf.connect(daemon.path, timeout=20) as store:
        put_until_spare(store, SIZES[0])
        store.put(bytes(SIZES[0] + 1), "other")
        assert spares() == 0
        assert store.get("other").nbytes == SIZES[0] + 1
        store.delete("other", "steady")
