"""Bytes are judged by what they say, not by how they arrive; lengths are judged before memory.

Invariant: however a client cuts or glues its frames, the replies are the same; and no number that
a client writes makes the daemon allocate more than what was really sent.
"""

import random
from collections.abc import Callable

import pytest

from harness.daemon import Daemon
from harness.process import memfd_bytes, rss_anon
from harness.raw import (
    HEAD_MAX,
    PAYLOAD_MAX,
    PREFIX,
    PUT_MAX,
    RawClient,
    frame,
    prefix,
)
from harness.uids import Uid

pytestmark = [pytest.mark.one_version, pytest.mark.usefixtures("undisturbed")]

GLUED = 1000


def requests() -> list[bytes]:
    """Frames whose replies do not change with repetition; seq 7 is used again and again."""
    heads: list[tuple[dict[str, object], bytes]] = [
        ({"op": "ping", "seq": 7}, b""),
        ({"op": "open", "seq": 7, "name": "whole"}, b""),
        ({"op": "list", "seq": 7, "prefix": "whole", "limit": 5, "cursor": 0}, b""),
        ({"op": "put", "seq": 7, "name": "whole"}, b"taken, so this is refused"),
        ({"op": "delete", "seq": 7, "name": "no such"}, b""),
        ({"op": "open", "seq": 7}, b""),
        ({"op": "nothing", "seq": 7}, b""),
    ]
    return [frame(head, payload) for head, payload in heads]


def answered(client: RawClient) -> tuple[object, ...]:
    """What two replies to the same request have in common."""
    reply = client.read()
    found = reply.head, reply.payload, len(reply.descriptors)
    reply.close()
    return found


@pytest.mark.shows(12)
def test_a_frame_may_be_split_at_every_byte(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        client.expect("published", "put", b"x", name="whole")
        for request in requests():
            client.send(request)
            expected = answered(client)
            for at in range(1, len(request)):
                client.send(request[:at])
                client.wait_until_taken()
                client.send(request[at:])
                assert answered(client) == expected
        client.expect("deleted", "delete", name="whole")


@pytest.mark.shows(12)
def test_frames_may_come_byte_by_byte(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        client.expect("published", "put", b"x", name="whole")
        for request in requests():
            client.send(request)
            expected = answered(client)
            for byte in request:
                client.send(bytes([byte]))
                client.wait_until_taken()
            assert answered(client) == expected
        client.expect("deleted", "delete", name="whole")


@pytest.mark.shows(12)
def test_hello_may_be_split_at_every_byte(daemon: Daemon) -> None:
    with RawClient.connect(daemon.path) as client:
        hello = frame(client.head("hello", namespace="default", client="sealbuf-raw/1"))
    for at in range(1, len(hello)):
        with RawClient.connect(daemon.path) as client:
            client.send(hello[:at])
            client.wait_until_taken()
            client.send(hello[at:])
            reply = client.read()
            assert reply.kind == "welcome"
            reply.close()


@pytest.mark.shows(12)
def test_a_thousand_frames_may_come_glued(daemon: Daemon, rng: random.Random) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        client.expect("published", "put", b"x", name="whole")
        kinds = {
            "pong": client.head("ping"),
            "opened": client.head("open", name="whole"),
            "not_found": client.head("open", name="no such"),
        }
        wanted = {seq: rng.choice(list(kinds)) for seq in range(1, GLUED + 1)}
        client.send(b"".join(frame({**kinds[kind], "seq": seq}) for seq, kind in wanted.items()))
        got = {}
        for _ in range(GLUED):
            reply = client.read()
            got[reply["seq"]] = reply.kind
            reply.close()
        assert got == wanted
        client.expect("deleted", "delete", name="whole")


def padded_ping(head_bytes: int) -> bytes:
    """A ping with white space, which JSON allows, up to a length."""
    return b'{"op":"ping","seq":7' + b" " * (head_bytes - 21) + b"}"


@pytest.mark.shows(13)
def test_the_shortest_and_the_longest_head_and_payload_are_taken(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        client.send(frame(b"{"))
        assert client.read().kind == "invalid_request"
        client.send(frame(padded_ping(HEAD_MAX)))
        assert client.read().kind == "pong"
        client.expect("published", "put", b"", name="payload-0")
        client.expect("published", "put", b"x", name="payload-1")
        client.expect("published", "put", b"x" * PUT_MAX, name="payload-max")
        client.send(frame(client.head("put", name="too-long"), b"x" * PAYLOAD_MAX))
        assert client.read().kind == "invalid_request"
        for name in ("payload-0", "payload-1", "payload-max"):
            client.expect("deleted", "delete", name=name)


BAD_LENGTHS = [
    *[(head, 0) for head in (0, HEAD_MAX + 1, 2**31 - 1, 2**31, 2**32 - 1)],
    *[
        (64, payload)
        for payload in (PAYLOAD_MAX + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
    ],
]


@pytest.mark.parametrize(("head_bytes", "payload_bytes"), BAD_LENGTHS)
@pytest.mark.shows(13)
def test_any_other_length_ends_the_connection(
    daemon: Daemon, head_bytes: int, payload_bytes: int
) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        client.send(prefix(head_bytes, payload_bytes))
        replies = client.read_to_end()
        assert [(reply.kind, reply["seq"]) for reply in replies] == [("protocol", 0)]


@pytest.mark.parametrize(
    "start",
    [
        b"SB\x00\x00",
        b"SB\x02\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"S\x00",
    ],
    ids=["version-0", "version-2", "http", "tls", "torn-magic"],
)
@pytest.mark.shows(18)
def test_another_protocol_is_told_so(daemon: Daemon, start: bytes) -> None:
    with RawClient.connect(daemon.path) as client:
        client.send(start)
        replies = client.read_to_end()
        assert [(reply.kind, reply["seq"]) for reply in replies] == [("wrong_version", 0)]


@pytest.mark.shows(16)
def test_a_frame_of_a_client_that_states_descriptors_is_refused(daemon: Daemon) -> None:
    with daemon.open() as client:
        client.send(frame(client.head("ping"), descriptors=1))
        assert [reply.kind for reply in client.read_to_end()] == ["protocol"]


@pytest.mark.shows(13)
def test_a_length_alone_makes_nobody_allocate(daemon: Daemon, rounds: Callable[..., int]) -> None:
    """A frame that only announces its length costs next to nothing until its bytes come."""
    connections = rounds(1000, small=1000)  # of fewer, the heap's own pages would be most
    before = rss_anon(daemon.pid)
    held = [daemon.open(Uid.ATTACKER) for _ in range(connections)]
    for client in held:
        client.send(prefix(HEAD_MAX, PAYLOAD_MAX))
    for client in held:
        client.wait_until_taken()
    grown = rss_anon(daemon.pid) - before
    with daemon.open() as observer:
        observer.expect("pong", "ping")
    for client in held:
        client.close()
    assert grown <= connections * (64 << 10), f"grown={grown} connections={connections}"


SIZES = [(2**40, "store_full"), (2**53 - 1, "store_full"), (2**53, "invalid_request"),
         (2**62, "invalid_request"), (2**63 - 1, "invalid_request"), (2**63, "invalid_request"),
         (-1, "invalid_request"), (1.5, "invalid_request"), ("1", "invalid_request")]  # fmt: skip


@pytest.mark.parametrize(("nbytes", "refusal"), SIZES, ids=[str(size) for size, _ in SIZES])
@pytest.mark.shows(14)
def test_an_impossible_size_is_refused_and_takes_no_memory(
    daemon: Daemon, nbytes: object, refusal: str
) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        before, taken = client.stats(), memfd_bytes(daemon.pid) or 0
        assert client.ask("create", name="impossible", nbytes=nbytes).kind == refusal
        after = client.stats()
        assert after["used"] == before["used"]
        others = after["prepared_bytes"] - before["prepared_bytes"]  # goes when it is idle
        assert (memfd_bytes(daemon.pid) or 0) - others <= taken


@pytest.mark.shows(14)
def test_a_buffer_of_no_bytes_is_a_buffer(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:
        lent = client.expect("lent", "create", name="nothing", nbytes=0)
        lent.close()
        client.expect("published", "seal", buffer=lent["buffer"])
        assert [entry["nbytes"] for entry in client.entries("nothing")] == [0]
        client.expect("deleted", "delete", name="nothing")


def test_half_a_prefix_is_no_reason_to_answer(daemon: Daemon) -> None:
    with daemon.open() as client:
        client.send(prefix(64)[: PREFIX.size // 2])
        client.wait_until_taken()
        client.connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.connection.recv(1)
