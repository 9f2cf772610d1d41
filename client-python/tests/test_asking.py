"""What a store asks a daemon for, and what it makes of the answers: room, pages, holders, waits."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import sealbuf
from helpers.line import FakeSession, Line
from sealbuf import _deadline as deadline
from sealbuf._layout import SLAB_BYTES


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def heads(session: FakeSession) -> list[dict[str, Any]]:
    """What was asked behind the hello, without numbers."""
    found = [frame.head for frame in session.peer.requests()[1:]]
    return [{key: value for key, value in head.items() if key != "seq"} for head in found]


def full(session: FakeSession) -> None:
    session.error("store_full", "no room below the capacity: requested=1 used=2 capacity=2")


def test_a_put_that_finds_no_room_asks_for_a_slab_and_tries_again(line: Line) -> None:
    daemon = line.daemon()
    own, sides = line.session(daemon), [line.session(daemon) for _ in range(2)]
    store = line.store()
    full(own)
    sides[0].answer("room")
    full(own)  # somebody else was faster
    sides[0].end()
    sides[1].answer("room")
    own.published("a")
    assert store.put(b"hello", "a", timeout=5).name == "a"
    assert [head["op"] for head in heads(own)] == ["put"] * 3
    (asked,) = heads(sides[1])
    assert (asked["op"], asked["nbytes"]) == ("await_room", SLAB_BYTES)
    assert 1 <= asked["timeout"] <= 5000
    store.close()


def test_a_create_asks_for_whole_pages(line: Line) -> None:
    daemon = line.daemon()
    own, side = line.session(daemon), line.session(daemon)
    store = line.store()
    full(own)
    side.error("timeout", "the wait for room ended without it: nbytes=1003520")
    with pytest.raises(sealbuf.StoreFull) as caught:
        store.create("a", nbytes=1_000_000, timeout=0.3)
    assert caught.value.message == "no room below the capacity: requested=1 used=2 capacity=2"
    assert heads(side)[0]["nbytes"] == 1_003_520
    store.close()


def test_without_a_timeout_nobody_waits_for_room(line: Line) -> None:
    own = line.session(line.daemon())
    store = line.store()
    full(own)
    with pytest.raises(sealbuf.StoreFull):
        store.put(b"", "a")
    assert line.dialled == 1
    store.close()


def test_a_wait_that_is_longer_than_a_daemon_keeps_it_is_asked_for_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "WAIT_MAX", 1000)
    daemon = line.daemon()
    at = daemon.made.put("greeting", b"hello")
    daemon.made.store("greeting", 0)
    line.session(daemon)
    side = line.session(daemon)
    store = line.store()
    for _ in range(2):
        side.error("timeout", "the wait for a name ended without it: name=greeting")
    place: dict[str, Any] = {"slab": 2, "slab_bytes": SLAB_BYTES, "record": at}
    side.answer("opened", [daemon.made.slab], segment=0, segment_bytes=0, **place)
    assert store.get("greeting", timeout=float("inf")) == b"hello"
    assert heads(side) == [{"op": "open", "name": "greeting", "timeout": 1000}] * 3
    store.close()


def entry(name: str, buffer: int) -> dict[str, Any]:
    return {"name": name, "buffer": buffer, "version": buffer, "nbytes": 0, "format": "B",
            "shape": [0], "owner": 7, "created": 1}  # fmt: skip


def page(session: FakeSession, reply: str, rows: list[dict[str, Any]], **head: int) -> None:
    session.seq += 1
    told = {"reply": reply, "seq": session.seq, "count": len(rows), **head}
    session.peer.reply(told, payload=json.dumps(rows).encode())


def test_a_listing_has_what_moved_between_pages_once(line: Line) -> None:
    own = line.session(line.daemon())
    store = line.store()
    page(own, "listing", [entry("b", 2), entry("a", 1)], cursor=5, until=9)
    page(own, "listing", [], cursor=6, until=9)
    page(own, "listing", [entry("a", 1), entry("c", 3)], cursor=0, until=9)
    assert [found.name for found in store.list()] == ["a", "b", "c"]
    first = {"op": "list", "prefix": "", "limit": 1000, "cursor": 0}
    assert heads(own) == [
        first, first | {"cursor": 5, "until": 9}, first | {"cursor": 6, "until": 9},
    ]  # fmt: skip
    store.close()


def test_a_listing_begins_anew_at_another_daemon(line: Line) -> None:
    own = line.session(line.daemon())
    store = line.store()
    page(own, "listing", [entry("old", 1)], cursor=5, until=9)
    own.daemon.die()
    own.end()
    page(line.session(line.daemon()), "listing", [entry("new", 1)], cursor=0, until=1)
    assert [found.name for found in store.list()] == ["new"]
    store.close()


def test_holders_are_rows_with_types(line: Line) -> None:
    row: dict[str, Any] = {
        "kind": "dedicated", "segment": 7, "nbytes": 8192, "name": "a", "deleted": True,
        "session": 3, "uid": 20001, "pid": 77, "client": "sealbuf-python/0.1.0", "state": "mapped",
    }  # fmt: skip
    own = line.session(line.daemon())
    store = line.store()
    page(own, "holding", [row], cursor=4)
    page(own, "holding", [row | {"session": 0, "state": "unknown"}], cursor=0)
    first, second = store.holders("a")
    assert first == sealbuf.Holder(**row)
    assert (second.session, second.state) == (0, "unknown")
    asked = {"op": "holders", "name": "a", "cursor": 0}
    assert heads(own) == [asked, asked | {"cursor": 4}]
    own.error("not_found", "no buffer has this name: name=b")
    with pytest.raises(sealbuf.NotFound):
        store.holders("b")
    store.close()
