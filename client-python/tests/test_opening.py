"""What a store does with segments that a daemon brings it: a scripted daemon, real segments."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import sealbuf
from helpers import segments
from helpers.peer import Peer
from helpers.segments import CATALOG, CATALOG_BYTES, DAEMON, SLAB, HandMade, Memfd
from sealbuf import _layout as layout
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._dial import hello
from sealbuf._link import Link
from sealbuf._memory import SEALED
from sealbuf._reply import Reply
from sealbuf._store import Store

DEDICATED = 9
DEDICATED_BYTES = 8192


class Script:
    """A daemon of one catalog and one slab. Its answers are written before they are asked for."""

    def __init__(self, made: HandMade) -> None:
        self.made = made
        self.peer = Peer()
        self.seq = 0

    def store(self, **changed: Any) -> Store:
        self.answer("welcome", [self.made.catalog], **{
            "server": "0.1.0", "daemon": f"{DAEMON:016x}", "session": 1, "uid": 20001,
            "namespace": "default", "catalog": CATALOG, "catalog_bytes": CATALOG_BYTES, **changed,
        })  # fmt: skip
        return Store(Link("peer", self.dial, self.peer.connection.timeout))

    def dial(self, deadline: Deadline) -> tuple[Connection, Reply]:
        return self.peer.connection, hello(self.peer.connection, "default", deadline)

    def answer(self, reply: str, brought: list[Memfd] = [], **fields: Any) -> None:  # noqa: B006
        """The answer to the next request, with fresh descriptors."""
        self.seq += 1
        with ExitStack() as stack:
            opened = [segment.open() for segment in brought]
            for fd in opened:
                stack.callback(os.close, fd)
            self.peer.reply({"reply": reply, "seq": self.seq, **fields}, opened)

    def mapped(self) -> None:
        self.answer("mapped", [self.made.slab], segment=SLAB, segment_bytes=layout.SLAB_BYTES)

    def opened(self, brought: list[Memfd], **changed: Any) -> None:
        place: dict[str, Any] = {"slab": SLAB, "slab_bytes": layout.SLAB_BYTES, "record": 0}
        self.answer("opened", brought, **(place | {"segment": 0, "segment_bytes": 0} | changed))

    def published(self, name: str, record: int) -> None:
        place: dict[str, Any] = {"slab": SLAB, "slab_bytes": layout.SLAB_BYTES, "record": record}
        self.answer("published", name=name, buffer=1, version=self.seq, created=1, **place)

    def requests(self) -> list[dict[str, Any]]:
        """The heads of what was asked since last time, without their numbers."""
        return [{k: v for k, v in frame.head.items() if k != "seq"}
                for frame in self.peer.requests()]  # fmt: skip


@pytest.fixture
def script() -> Iterator[Script]:
    with segments.catalog() as made:
        playing = Script(made)
        yield playing
        playing.peer.close()


@pytest.fixture
def dedicated() -> Iterator[Memfd]:
    with segments.memfd(DEDICATED_BYTES) as segment:
        segment.memory[:5] = b"hello"
        segment.unmap()
        segment.seal(SEALED)
        yield segment


def fill_window(made: HandMade, name: str) -> None:
    """Only the daemon can say now whether it has that name."""
    for step in range(layout.WINDOW):
        made.store(name, layout.GONE, step=step)


def put_dedicated(made: HandMade, name: str, *, offset: int = 0, nbytes: int = 5) -> int:
    record = segments.flat(name, nbytes, offset=offset, segment=DEDICATED)
    encoded = layout.encode_record(record)
    at = made.end
    made.slab.memory[at : at + len(encoded)] = encoded
    made.end += -(-len(encoded) // layout.ALIGNMENT) * layout.ALIGNMENT
    made.store(name, made.word(name, at))
    return at


def ended(script: Script, call: Any, *arguments: Any) -> str:
    """The ProtocolError of a call, behind which the session is over."""
    with pytest.raises(sealbuf.ProtocolError) as caught:
        call(*arguments)
    assert script.peer.connection.state in {"disconnected", "closed"}
    return caught.value.message


def test_a_catalog_of_another_daemon_is_refused(script: Script) -> None:
    assert ended(script, lambda: script.store(daemon="0" * 16)) == (
        f"catalog of another daemon: daemon={DAEMON:016x} expected=0000000000000000"
    )


def test_a_catalog_of_another_size_is_refused(script: Script) -> None:
    assert ended(script, lambda: script.store(catalog_bytes=4096)) == (
        f"segment of another size: bytes={CATALOG_BYTES} stated=4096"
    )


def test_a_catalog_that_is_not_sealed_is_refused(script: Script) -> None:
    with segments.memfd(CATALOG_BYTES) as unsealed:
        unsealed.memory[:] = script.made.catalog.memory[:]
        script.made.catalog, kept = unsealed, script.made.catalog
        assert ended(script, script.store) == ("segment without its seals: seals=0x0 required=0x17")
        script.made.catalog = kept


def test_a_slab_is_asked_for_by_its_number_and_once(script: Script) -> None:
    script.made.put("greeting", b"hello")
    store = script.store()
    script.mapped()
    assert [store.get("greeting").to_bytes() for _ in range(3)] == [b"hello"] * 3
    assert script.requests()[1:] == [{"op": "map", "segment": SLAB}]


def test_a_full_window_is_asked_about_and_the_slab_comes_along(script: Script) -> None:
    script.made.put("greeting", b"hello")
    fill_window(script.made, "greeting")
    store = script.store()
    script.opened([script.made.slab])
    script.opened([script.made.slab])
    assert store.get("greeting") == b"hello"
    assert "greeting" in store
    script.answer("error", code="not_found", message="no buffer has this name: name=greeting")
    assert "greeting" not in store
    script.answer("error", code="not_found", message="no buffer has this name: name=greeting")
    with pytest.raises(sealbuf.NotFound, match=r"^no buffer has this name: name=greeting; "):
        store.get("greeting")
    assert script.requests()[1:] == [{"op": "open", "name": "greeting"}] * 4


def test_a_dedicated_segment_is_asked_for_while_nothing_maps_it(
    script: Script, dedicated: Memfd
) -> None:
    put_dedicated(script.made, "large")
    store = script.store()
    script.mapped()
    for _ in range(2):
        script.opened([dedicated], segment=DEDICATED, segment_bytes=DEDICATED_BYTES)
        first, second = store.get("large"), store.get("large")
        assert first == second == b"hello"
        assert first.address == second.address
        del first, second
    asked = {"op": "open", "name": "large", "slab": SLAB}
    assert script.requests()[1:] == [{"op": "map", "segment": SLAB}, asked, asked]


def test_a_name_that_moved_meanwhile_is_read_where_it_is_now(
    script: Script, dedicated: Memfd
) -> None:
    put_dedicated(script.made, "large")
    at = script.made.put("moved", b"now")
    script.made.store("moved", script.made.word("moved", 0))
    store = script.store()
    script.mapped()
    script.made.store("large", script.made.word("large", 0))
    script.opened([dedicated], segment=DEDICATED, segment_bytes=DEDICATED_BYTES)
    assert store.get("large") == b"hello"
    fill_window(script.made, "moved")
    script.opened([script.made.slab], record=at)
    assert store.get("moved") == b"now"


@pytest.mark.parametrize(
    ("brought", "changed", "message"),
    [
        (0, {}, "reply with another number of descriptors: reply=opened descriptors=0 expected=1"),
        (2, {}, "reply with another number of descriptors: reply=opened descriptors=2 expected=1"),
        (1, {"segment": DEDICATED, "segment_bytes": DEDICATED_BYTES},
         "reply with another number of descriptors: reply=opened descriptors=1 expected=2"),
        (2, {"segment": DEDICATED, "segment_bytes": DEDICATED_BYTES},
         f"record of another buffer: name=greeting segment={DEDICATED}"),
        (1, {"record": 64}, "record length does not add up: at=64 "),
        (1, {"record": 7}, "record outside its slab: at=7 slab_bytes=2097152"),
        (1, {"record": layout.SLAB_BYTES}, "record outside its slab: at=2097152 "),
        (1, {"slab_bytes": 4096}, "segment of another size: bytes=2097152 stated=4096"),
    ],
)  # fmt: skip
def test_a_reply_that_does_not_fit_its_segments_ends_the_session(
    script: Script, brought: int, changed: dict[str, int], message: str
) -> None:
    script.made.put("greeting", b"hello")
    fill_window(script.made, "greeting")
    store = script.store()
    script.opened([script.made.slab] * brought, **changed)
    assert ended(script, store.get, "greeting").startswith(message)


def test_a_record_of_another_name_is_not_taken(script: Script) -> None:
    script.made.put("somebody else", b"no")
    fill_window(script.made, "greeting")
    store = script.store()
    script.opened([script.made.slab])
    assert ended(script, store.get, "greeting") == (
        "record of another buffer: name=greeting segment=0"
    )


@pytest.mark.parametrize(("offset", "nbytes"), [(64, DEDICATED_BYTES), (DEDICATED_BYTES, 1)])
def test_a_payload_outside_its_segment_is_refused(
    script: Script, dedicated: Memfd, offset: int, nbytes: int
) -> None:
    put_dedicated(script.made, "large", offset=offset, nbytes=nbytes)
    store = script.store()
    script.mapped()
    script.opened([dedicated], segment=DEDICATED, segment_bytes=DEDICATED_BYTES)
    assert ended(script, store.get, "large") == (
        f"payload outside its segment: offset={offset} nbytes={nbytes} segment_bytes=8192"
    )


def test_a_dedicated_segment_that_is_not_sealed_is_refused(script: Script) -> None:
    put_dedicated(script.made, "large")
    store = script.store()
    script.mapped()
    with segments.memfd(DEDICATED_BYTES, SEALED & ~8) as unsealed:
        script.opened([unsealed], segment=DEDICATED, segment_bytes=DEDICATED_BYTES)
        assert ended(script, store.get, "large") == (
            "segment without its seals: seals=0x7 required=0xf"
        )


def test_a_put_maps_nothing_until_somebody_looks(script: Script) -> None:
    at = script.made.put("greeting", b"hello")
    store = script.store()
    script.published("greeting", at)
    buffer = store.put(b"hello", "greeting")
    assert (buffer.name, buffer.nbytes, buffer.shape) == ("greeting", 5, (5,))
    assert [head["op"] for head in script.requests()] == ["hello", "put"]
    script.mapped()
    assert buffer == b"hello"
    assert script.requests() == [{"op": "map", "segment": SLAB}]
    script.published("greeting", at)
    assert store.put(b"hello", "greeting") == b"hello", "that slab is mapped by now"
    assert [head["op"] for head in script.requests()] == ["put"]


def test_close_maps_what_was_put_and_not_looked_at(script: Script) -> None:
    at = script.made.put("greeting", b"hello")
    store = script.store()
    for _ in range(2):
        script.published("greeting", at)
    kept, dropped = (store.put(b"hello", "greeting") for _ in range(2))
    del dropped
    script.mapped()
    store.close()
    assert kept == b"hello"
    assert [head["op"] for head in script.requests()] == ["hello", "put", "put", "map"]


def test_what_close_cannot_keep_says_so(script: Script) -> None:
    store = script.store()
    script.published("greeting", 0)
    buffer = store.put(b"hello", "greeting")
    script.answer("error", code="not_found", message="no slab has this number: segment=2")
    store.close()
    with pytest.raises(sealbuf.Closed, match=r"^store is closed: socket=peer; "):
        buffer.to_bytes()
    assert buffer.name == "greeting"


def test_a_listing_that_does_not_go_on_is_refused(script: Script) -> None:
    store = script.store()
    for _ in range(2):
        script.seq += 1
        head = {"reply": "listing", "seq": script.seq, "count": 0, "cursor": 7, "until": 1}
        script.peer.reply(head, payload=b"[]")
    assert ended(script, store.list) == "listing does not go on: cursor=7"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"nbytes": 6}, "another length was lent: nbytes=6 asked=5"),
        ({"segment_bytes": 4}, "segment shorter than its buffer: bytes=4 nbytes=5"),
        ({"segment_bytes": 4096}, "segment of another size: bytes=8192 stated=4096"),
    ],
)
def test_a_segment_that_was_lent_and_does_not_fit_is_refused(
    script: Script, changed: dict[str, int], message: str
) -> None:
    store = script.store()
    fields = {"name": "a", "buffer": 1, "nbytes": 5, "segment": 1, "segment_bytes": 8192}
    with segments.memfd(8192, 6) as segment:
        script.answer("lent", [segment, segment], **(fields | changed))
        assert ended(script, lambda: store.create("a", nbytes=5)) == message
