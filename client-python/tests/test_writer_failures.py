"""A writer that fails half-way gives its name and its memory back, whatever went wrong."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

import sealbuf
from helpers.peer import Peer
from helpers.segments import memfd
from sealbuf._description import Description
from sealbuf._memory import LENT_SEALS
from sealbuf._writer import Lender, Writer

NBYTES = 4096
BUFFER = 7


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer(timeout=0.05)
    yield made
    made.close()


def lent(peer: Peer, *, reading: int = os.O_RDONLY) -> Writer:
    """A writer over a segment that came with the reply to the first request."""
    with memfd(NBYTES, LENT_SEALS) as segment:
        numbers = [segment.open(os.O_RDWR), segment.open(reading)]
    place = {"buffer": BUFFER, "nbytes": 10, "segment": 1, "segment_bytes": NBYTES}
    peer.reply({"reply": "lent", "seq": 1, "name": "a", **place}, numbers)
    for number in numbers:
        os.close(number)
    reply = peer.connection.request("create", name="a", nbytes=10)
    peer.requests()
    return Writer(Lender(peer.connection, os.getuid()), reply, Description.of_bytes(10))


def heads(peer: Peer) -> list[dict[str, Any]]:
    return [frame.head for frame in peer.requests()]


def test_an_abort_that_was_not_answered_travels_again(peer: Peer) -> None:
    writer = lent(peer)
    with pytest.raises(sealbuf.Timeout):
        writer.abort()
    assert heads(peer) == [{"op": "abort", "seq": 2, "buffer": BUFFER}]
    peer.reply({"reply": "pong", "seq": 4})
    peer.connection.request("ping")
    assert heads(peer) == [
        {"op": "abort", "seq": 3, "buffer": BUFFER},
        {"op": "ping", "seq": 4},
    ]


def test_after_a_seal_that_was_not_answered_an_abort_does_not_wait_again(peer: Peer) -> None:
    with pytest.raises(sealbuf.Timeout) as caught, lent(peer) as writer:
        writer.seal()
    assert caught.value.message == "no answer within the deadline: op=seal timeout=0.05"
    assert [head["op"] for head in heads(peer)] == ["seal"]
    peer.reply({"reply": "pong", "seq": 4})
    peer.connection.request("ping")
    assert [head["op"] for head in heads(peer)] == ["abort", "ping"]


def test_a_seal_that_cannot_map_for_reading_aborts(peer: Peer) -> None:
    writer = lent(peer, reading=os.O_WRONLY)
    peer.reply({"reply": "aborted", "seq": 2, "buffer": BUFFER})
    with pytest.raises(OSError, match="Permission denied"):
        writer.seal()
    assert heads(peer) == [{"op": "abort", "seq": 2, "buffer": BUFFER}]
    with pytest.raises(sealbuf.Closed, match=r"^writer is aborted: name=a; "):
        writer.seal()
