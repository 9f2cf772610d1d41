"""Bytes in, frames out, however they are cut; and what is refused before it costs memory."""

import ast
import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sealbuf
from sealbuf import _frames as frames
from sealbuf import _limits as limits
from sealbuf import _protocol as protocol
from sealbuf._frames import Decoder, Frame

HEADS = st.dictionaries(
    st.text(max_size=8),
    st.one_of(st.integers(0, limits.SEQ_MAX), st.text(max_size=20), st.booleans()),
    max_size=5,
)
relaxed = settings(deadline=None, max_examples=100)
thorough = settings(deadline=None, max_examples=300)

FRAMES = st.builds(Frame, HEADS, st.binary(max_size=200), st.integers(0, 2))


def encoded(frame: Frame) -> bytes:
    return frames.encode_frame(frame.head, len(frame.payload), frame.descriptors) + frame.payload


def prefix(head_bytes: int = 2, payload_bytes: int = 0, descriptors: int = 0) -> bytes:
    return frames.PREFIX.pack(b"SB", 1, descriptors, head_bytes, payload_bytes)


def decode(data: bytes) -> list[Frame]:
    return list(Decoder().feed(data))


NUMBERS = st.one_of(st.integers(0, 300), st.sampled_from([2**16, 2**16 + 1, 2**21, 2**32 - 1]))
STREAMS = st.lists(
    st.one_of(
        FRAMES.map(encoded),
        st.builds(prefix, NUMBERS, NUMBERS, st.integers(0, 255)),
        st.binary(max_size=100).map(lambda head: prefix(len(head)) + head),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=4),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
            max_leaves=20,
        ).map(lambda head: prefix(len(json.dumps(head))) + json.dumps(head).encode()),
        st.binary(max_size=64),
    ),
    max_size=4,
).map(b"".join)
"""Any bytes: frames, prefixes that state anything, heads that are anything, noise."""


def outcome(pieces: list[bytes]) -> tuple[list[Frame], str, bool]:
    """The frames, the error behind them, and whether more is waited for. Any other exception than
    the one that is documented goes on."""
    decoder, found = Decoder(), []
    try:
        for piece in pieces:
            for frame in decoder.feed(piece):
                found.append(frame)
    except sealbuf.ProtocolError as error:
        return found, f"{type(error).__name__}: {error.message}", False
    return found, "", not decoder.idle


@thorough
@given(STREAMS, st.lists(st.integers(0, 400), max_size=8))
def test_any_bytes_are_the_same_whole_byte_by_byte_and_cut(data: bytes, cuts: list[int]) -> None:
    whole = outcome([data])
    assert outcome([bytes([byte]) for byte in data]) == whole
    ends = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    assert outcome([data[at:end] for at, end in pairwise(ends)]) == whole


@relaxed
@given(st.lists(FRAMES, max_size=4))
def test_frames_that_are_glued_come_out_whole(frames: list[Frame]) -> None:
    assert decode(b"".join(map(encoded, frames))) == frames


@relaxed
@given(st.lists(FRAMES, max_size=2))
def test_frames_come_out_the_same_byte_by_byte(frames: list[Frame]) -> None:
    decoder = Decoder()
    found: list[Frame] = []
    for byte in b"".join(map(encoded, frames)):
        found += decoder.feed(bytes([byte]))
    assert found == frames
    assert decoder.idle


@relaxed
@given(FRAMES, st.integers(min_value=1))
def test_a_frame_that_is_cut_waits_for_its_rest(frame: Frame, cut: int) -> None:
    data, decoder = encoded(frame), Decoder()
    at = cut % len(data)
    assert list(decoder.feed(data[:at])) == []
    assert decoder.idle == (at == 0)
    assert list(decoder.feed(data[at:])) == [frame]


@relaxed
@given(st.binary(max_size=64))
def test_garbage_is_refused_or_waited_for_and_nothing_else(data: bytes) -> None:
    decoder = Decoder()
    try:
        found = list(decoder.feed(data))
    except sealbuf.ProtocolError:
        return
    assert found == []
    assert data[: len(frames.MAGIC)] == frames.MAGIC[: len(data)]


@relaxed
@given(FRAMES, st.integers(0), st.integers(0, 7))
def test_a_flipped_bit_never_ends_in_another_exception(frame: Frame, at: int, bit: int) -> None:
    data = bytearray(encoded(frame))
    data[at % len(data)] ^= 1 << bit
    with suppress(sealbuf.ProtocolError):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"G", "not a frame of protocol version 1: byte=0 value=0x47 expected=0x53"),
        (b"SB\2", "not a frame of protocol version 1: byte=2 value=0x02 expected=0x01"),
        (b"SB\0", "not a frame of protocol version 1: byte=2 value=0x00 expected=0x01"),
        (b"\x16\3\1", "not a frame of protocol version 1: byte=0 value=0x16 expected=0x53"),
    ],
)
def test_another_protocol_or_version_is_told_by_its_first_bytes(data: bytes, message: str) -> None:
    with pytest.raises(sealbuf.WrongVersion) as caught:
        decode(data)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (prefix(descriptors=3), "too many descriptors: descriptors=3 max=2"),
        (prefix(descriptors=255), "too many descriptors: descriptors=255 max=2"),
        (prefix(0), "head length out of bounds: head_bytes=0 min=1 max=65536"),
        (prefix(65537), "head length out of bounds: head_bytes=65537 min=1 max=65536"),
        (prefix(2**31 - 1), "head length out of bounds: head_bytes=2147483647 min=1 max=65536"),
        (prefix(2**31), "head length out of bounds: head_bytes=2147483648 min=1 max=65536"),
        (prefix(2**32 - 1), "head length out of bounds: head_bytes=4294967295 min=1 max=65536"),
        (prefix(2, 2097153), "payload too long: payload_bytes=2097153 max=2097152"),
        (prefix(2, 2**31), "payload too long: payload_bytes=2147483648 max=2097152"),
        (prefix(2, 2**63 - 1), "payload too long: payload_bytes=9223372036854775807 max=2097152"),
        (prefix(2, 2**63), "payload too long: payload_bytes=9223372036854775808 max=2097152"),
        (prefix(2, 2**64 - 1), "payload too long: payload_bytes=18446744073709551615 max=2097152"),
        (prefix(4081, 0, 1), "frame with descriptors too long: bytes=4097 max=4096"),
        (prefix(80, 4001, 2), "frame with descriptors too long: bytes=4097 max=4096"),
    ],
)
def test_a_length_out_of_bounds_is_refused_with_its_prefix(data: bytes, message: str) -> None:
    with pytest.raises(sealbuf.ProtocolError) as caught:
        decode(data)
    assert type(caught.value) is sealbuf.ProtocolError
    assert caught.value.message == message


def test_the_largest_head_and_payload_are_taken() -> None:
    head = {"x": "y" * (limits.HEAD_MAX - len('{"x":""}'))}
    frame = Frame(head, bytes(limits.PAYLOAD_MAX))
    assert decode(encoded(frame)) == [frame]


def test_the_smallest_head_is_taken_for_what_it_is() -> None:
    with pytest.raises(sealbuf.ProtocolError, match=r"^head is not an object: type=int; "):
        decode(prefix(1) + b"1")


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"[1]", "head is not an object: type=list"),
        (b'{"a":1,"a":2}', "head is not strict JSON: duplicate key: keys=['a', 'a']"),
        (b'{"a":{"b":1,"b":1}}', "head is not strict JSON: duplicate key: keys=['b', 'b']"),
        (b'{"a":NaN}', "head is not strict JSON: not a number: value=NaN"),
        (b'{"a":-Infinity}', "head is not strict JSON: not a number: value=-Infinity"),
        (b'{"a":1}}', "head is not strict JSON: Extra data: line 1 column 8 (char 7)"),
        (nested(9), "head nested too deep: max=8"),
        (b'{"a":' + b"[" * 8 + b"]" * 8 + b"}", "head nested too deep: max=8"),
    ],
)
def test_a_head_that_is_not_one_strict_object_is_refused(head: bytes, message: str) -> None:
    with pytest.raises(sealbuf.ProtocolError) as caught:
        decode(prefix(len(head)) + head)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "head",
    [
        b"{",
        b"\xff\xfe",
        b'{"a":"\xff"}',
        b"[" * 65536,
        b'{"a":' * 13107,
        b'{"a":' + b"9" * 9000 + b"}",
    ],
    ids=["cut", "not UTF-8", "not UTF-8 inside", "deep", "deep objects", "a huge number"],
)
def test_a_head_that_the_parser_stumbles_over_is_a_protocol_error(head: bytes) -> None:
    with pytest.raises(sealbuf.ProtocolError, match=r"^head is not strict JSON: "):
        decode(prefix(len(head)) + head)


def test_a_head_may_be_nested_eight_deep() -> None:
    head = nested(8)
    assert decode(prefix(len(head)) + head)[0].head == json.loads(head)


PONG = {"reply": "pong", "seq": 1}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({}, "unknown reply: reply=None"),
        ({"reply": []}, "unknown reply: reply=[]"),
        ({"reply": "ping", "seq": 1}, "unknown reply: reply='ping'"),
        ({"reply": "pong"}, "field is missing: in=pong field=seq"),
        (PONG | {"seq": "1"}, "field of another type: in=pong field=seq type=str expected=int"),
        (PONG | {"seq": 1.0}, "field of another type: in=pong field=seq type=float expected=int"),
        (PONG | {"seq": True}, "field of another type: in=pong field=seq type=bool expected=int"),
        (
            PONG | {"seq": -1},
            "integer out of bounds: in=pong field=seq value=-1 max=9007199254740991",
        ),
        (
            PONG | {"seq": 2**53},
            "integer out of bounds: in=pong field=seq value=9007199254740992 max=9007199254740991",
        ),
        ({"reply": "aborted", "seq": 1}, "field is missing: in=aborted field=buffer"),
    ],
)
def test_a_reply_that_its_table_does_not_know_is_refused(
    head: dict[str, Any], message: str
) -> None:
    with pytest.raises(sealbuf.ProtocolError) as caught:
        protocol.check_reply(head)
    assert caught.value.message == message


def test_fields_of_a_newer_daemon_are_ignored() -> None:
    assert protocol.check_reply(PONG | {"mood": "good"}) == "pong"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@st.composite
def replies(draw: st.DrawFn) -> dict[str, Any]:
    """A reply whose fields are those of its table, or nearly, with any values."""
    reply = draw(st.sampled_from(sorted(protocol.REPLIES)))
    fields = ["seq", *protocol.REPLIES[reply]]
    values: dict[str, Any] = {
        field: draw(st.one_of(st.integers(0, 9), st.text(max_size=3), VALUES)) for field in fields
    }
    for field in draw(st.lists(st.sampled_from(fields), max_size=1)):
        del values[field]
    return {"reply": reply, **values}


@thorough
@given(st.one_of(replies(), st.dictionaries(st.text(max_size=9), VALUES)))
def test_any_reply_is_taken_or_refused(head: dict[str, Any]) -> None:
    with suppress(sealbuf.ProtocolError):
        assert protocol.check_reply(head) == head["reply"]


@thorough
@given(st.one_of(st.binary(max_size=80), VALUES.map(json.dumps).map(str.encode)), st.integers(0, 3))
def test_any_listing_is_taken_or_refused(payload: bytes, count: int) -> None:
    with suppress(sealbuf.ProtocolError):
        assert len(protocol.check_entries(payload, count)) == count


ENTRY = {
    "name": "a", "buffer": 1, "version": 1, "nbytes": 1, "format": "B", "shape": [1], "owner": 1,
    "created": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "listing is not an array of that length: count=1"),
        ([], "listing is not an array of that length: count=1"),
        ([1], "entry is not an object: type=int"),
        ([{}], "field is missing: in=entry field=name"),
        ([ENTRY | {"shape": [1.5]}], "shape is not made of integers: shape=[1.5]"),
    ],
)
def test_a_listing_of_another_form_is_refused(entries: object, message: str) -> None:
    with pytest.raises(sealbuf.ProtocolError) as caught:
        protocol.check_entries(json.dumps(entries).encode(), 1)
    assert caught.value.message == message


@pytest.mark.parametrize("module", ["_frames", "_protocol", "_layout", "_names", "_errors"])
def test_the_core_does_no_input_or_output(module: str) -> None:
    tree = ast.parse((Path(protocol.__file__).parent / f"{module}.py").read_text())
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert imported.isdisjoint({"socket", "os", "select", "asyncio", "ctypes", "threading"})
