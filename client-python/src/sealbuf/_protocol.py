"""Frames and messages of the control protocol, version 1: bytes in, frames out, and back.

Sans-I/O: nothing here reads, writes or waits, so the same code is tested whole and byte by byte
without a daemon. The contract is `protocol/PROTOCOL.md`; a test compares its tables with the ones
below.

A frame is a prefix of 16 bytes, a head (one JSON object) and a payload of raw bytes:

     0      2         3             4            8                16
    +------+---------+-------------+------------+----------------+------+---------+
    | "SB" | version | descriptors | head_bytes | payload_bytes  | head | payload |
    +------+---------+-------------+------------+----------------+------+---------+

What arrives is checked in three steps: the prefix before anything is allocated for the frame, the
head as strict JSON, and the reply against the table of its fields. Whoever uses a reply may
therefore rely on its types and ranges.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealbuf._errors import ProtocolError, WrongVersion

MAGIC = b"SB"
VERSION = 1
PREFIX = struct.Struct("<2sBBIQ")

HEAD_MAX = 65536
"""A head is a handful of fields; this bounds what a peer can make the other side keep."""
PAYLOAD_MAX = 2097152
"""The largest put_many, index included."""
PUT_MAX = 262144
"""Above it a dedicated segment is cheaper than the copy through the socket."""
PAGE_MAX = 262144
"""The longest payload of a reply."""
BATCH_MAX = 1024
"""Buffers of one batch: what the daemon publishes in one turn."""
BATCH_BYTES = 1048576
"""Bytes of the buffers of one put_many; a larger batch shares a dedicated segment."""
DESCRIPTORS_MAX = 2
"""What a producer needs: one description to write, one to read."""
DESCRIPTOR_FRAME_MAX = 4096
"""Fits any socket buffer whole, so descriptors and their frame are never torn apart."""
NAME_MAX = 255
"""Bytes of UTF-8, as NAME_MAX in most file systems."""
SEQ_MAX = 2**53 - 1
"""The largest integer that every JSON implementation carries."""
HOLDS_MAX = 4096
"""Holds a uid."""
HOLD_SECONDS = 60
"""The longest a hold keeps a buffer openable."""
LIST_MAX = 1000
"""Entries of a page of list."""
WAIT_MAX = 86_400_000
"""Milliseconds a request may be parked, one day; who waits longer asks again."""
TTL_MAX = 3_153_600_000_000
"""Milliseconds a buffer may be told to live, a hundred years."""
HEAD_DEPTH_MAX = 8

INT, STR, MAP = int, str, dict

REQUESTS: dict[str, tuple[str, ...]] = {
    "hello": ("namespace", "client"),
    "put": ("name?", "buffer?", "replace?", "ttl?"),
    "put_many": ("count", "index_bytes", "replace?", "ttl?"),
    "create": ("name?", "nbytes", "buffer?", "replace?", "ttl?", "batch?"),
    "seal": ("buffer", "nbytes?"),
    "seal_many": ("buffer", "count"),
    "abort": ("buffer",),
    "open": ("name", "slab?", "newer?", "timeout?"),
    "take": ("name", "timeout?"),
    "reserve": ("name", "timeout?"),
    "hold": ("name", "buffer"),
    "open_held": ("name", "buffer", "hold", "slab?"),
    "map": ("segment",),
    "delete": ("name", "buffer?"),
    "delete_many": ("count",),
    "list": ("prefix", "limit", "cursor", "until?"),
    "watch": ("prefix", "replay?"),
    "await_room": ("nbytes", "timeout?"),
    "holders": ("name?", "cursor"),
    "stat": (),
    "ping": (),
}
"""The fields of each request, in the order in which they are written; `?`: may be absent."""

ANSWERS: dict[str, frozenset[str]] = {
    "hello": frozenset({"welcome"}),
    "put": frozenset({"published"}),
    "put_many": frozenset({"published_many"}),
    "create": frozenset({"lent"}),
    "seal": frozenset({"published"}),
    "seal_many": frozenset({"published_many"}),
    "abort": frozenset({"aborted"}),
    "open": frozenset({"opened"}),
    "take": frozenset({"taken"}),
    "reserve": frozenset({"opened", "reserved"}),
    "hold": frozenset({"held"}),
    "open_held": frozenset({"opened"}),
    "map": frozenset({"mapped"}),
    "delete": frozenset({"deleted"}),
    "delete_many": frozenset({"deleted_many"}),
    "list": frozenset({"listing"}),
    "watch": frozenset({"watching", "event"}),
    "await_room": frozenset({"room"}),
    "holders": frozenset({"holding"}),
    "stat": frozenset({"stats"}),
    "ping": frozenset({"pong"}),
}
"""The replies to each request, unless it is `error`."""

REPLIES: dict[str, dict[str, type]] = {
    "welcome": {
        "server": STR,
        "daemon": STR,
        "session": INT,
        "uid": INT,
        "namespace": STR,
        "catalog": INT,
        "catalog_bytes": INT,
    },
    "published": {
        "name": STR,
        "buffer": INT,
        "version": INT,
        "created": INT,
        "slab": INT,
        "slab_bytes": INT,
        "record": INT,
    },
    "published_many": {"count": INT, "buffer": INT, "version": INT, "created": INT},
    "lent": {"name": STR, "buffer": INT, "nbytes": INT, "segment": INT, "segment_bytes": INT},
    "aborted": {"buffer": INT},
    "opened": {
        "slab": INT,
        "slab_bytes": INT,
        "record": INT,
        "segment": INT,
        "segment_bytes": INT,
    },
    "taken": {
        "name": STR,
        "buffer": INT,
        "slab": INT,
        "slab_bytes": INT,
        "record": INT,
        "segment": INT,
        "segment_bytes": INT,
    },
    "reserved": {"name": STR, "buffer": INT},
    "held": {"hold": INT},
    "mapped": {"segment": INT, "segment_bytes": INT},
    "deleted": {"name": STR, "buffer": INT},
    "deleted_many": {"count": INT},
    "listing": {"count": INT, "cursor": INT, "until": INT},
    "watching": {"version": INT},
    "event": {
        "kind": STR,
        "name": STR,
        "buffer": INT,
        "version": INT,
        "nbytes": INT,
        "owner": INT,
        "created": INT,
    },
    "room": {},
    "holding": {"count": INT, "cursor": INT},
    "stats": {"stats": MAP},
    "pong": {},
    "error": {"code": STR, "message": STR},
}
"""The fields of each reply and their types. Fields that are not here are ignored."""

DESCRIPTORS: dict[str, frozenset[int]] = {
    "welcome": frozenset({1}),
    "lent": frozenset({2}),
    "opened": frozenset({0, 1, 2}),
    "taken": frozenset({0, 1, 2}),
    "mapped": frozenset({1}),
}
"""How many descriptors a reply may bring; the others bring none."""

ENTRY: dict[str, type] = {
    "name": STR,
    "buffer": INT,
    "version": INT,
    "nbytes": INT,
    "format": STR,
    "shape": list,
    "owner": INT,
    "created": INT,
}
"""The fields of one entry of a listing."""

HOLDER: dict[str, type] = {
    "kind": STR,
    "segment": INT,
    "nbytes": INT,
    "name": STR,
    "deleted": bool,
    "session": INT,
    "uid": INT,
    "pid": INT,
    "client": STR,
    "state": STR,
}
"""The fields of one row of `holding`."""

_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it came: its head is an object, but not yet compared with any table."""

    head: dict[str, Any]
    payload: bytes = b""
    descriptors: int = 0


def encode_frame(head: Mapping[str, Any], payload_bytes: int = 0, descriptors: int = 0) -> bytes:
    """Prefix and head of a frame; the payload is sent behind them as it is."""
    encoded = _encode_json(head).encode()
    return PREFIX.pack(MAGIC, VERSION, descriptors, len(encoded), payload_bytes) + encoded


def encode_request(op: str, seq: int, fields: Mapping[str, Any], payload_bytes: int = 0) -> bytes:
    """Prefix and head of a request. Optional fields that are None or False are left out."""
    head: dict[str, Any] = {"op": op, "seq": seq}
    for field in REQUESTS[op]:
        name = field.rstrip("?")
        value = fields[name] if name == field else fields.get(name)
        if value is not None and value is not False:
            head[name] = value
    return encode_frame(head, payload_bytes)


class Decoder:
    """Bytes in, frames out, however the bytes are cut.

    It holds one unfinished frame at most, so what it keeps is bounded by the limits above and the
    size of one read. After an error the stream is out of step; the decoder is of no use any more.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._checked: tuple[int, int, int] | None = None

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Takes bytes as they were read; the frames that became complete, each as soon as it is."""
        self._bytes += data
        while (frame := self._next()) is not None:
            yield frame

    @property
    def idle(self) -> bool:
        """Whether no byte of an unfinished frame is held."""
        return not self._bytes

    def _next(self) -> Frame | None:
        if self._checked is None:
            self._checked = check_prefix(self._bytes)
        if self._checked is None:
            return None
        descriptors, head_bytes, payload_bytes = self._checked
        body = PREFIX.size + head_bytes
        end = body + payload_bytes
        if len(self._bytes) < end:
            return None
        head = parse_head(bytes(self._bytes[PREFIX.size : body]))
        payload = bytes(self._bytes[body:end])
        del self._bytes[:end]
        self._checked = None
        return Frame(head, payload, descriptors)


def check_prefix(received: bytes | bytearray) -> tuple[int, int, int] | None:
    """Number of descriptors, length of the head, length of the payload; None: more bytes are due.

    The first bytes are judged as they come, so that a peer which speaks something else is told
    from one that is slow.
    """
    start = MAGIC + bytes([VERSION])
    for at, (found, expected) in enumerate(zip(received, start, strict=False)):
        if found != expected:
            raise WrongVersion(
                f"not a frame of protocol version {VERSION}: "
                f"byte={at} value=0x{found:02x} expected=0x{expected:02x}"
            )
    if len(received) < PREFIX.size:
        return None
    _, _, descriptors, head_bytes, payload_bytes = PREFIX.unpack_from(received)
    if descriptors > DESCRIPTORS_MAX:
        raise ProtocolError(
            f"too many descriptors: descriptors={descriptors} max={DESCRIPTORS_MAX}"
        )
    if not 1 <= head_bytes <= HEAD_MAX:
        raise ProtocolError(
            f"head length out of bounds: head_bytes={head_bytes} min=1 max={HEAD_MAX}"
        )
    if payload_bytes > PAYLOAD_MAX:
        raise ProtocolError(f"payload too long: payload_bytes={payload_bytes} max={PAYLOAD_MAX}")
    frame_bytes = PREFIX.size + head_bytes + payload_bytes
    if descriptors and frame_bytes > DESCRIPTOR_FRAME_MAX:
        raise ProtocolError(
            f"frame with descriptors too long: bytes={frame_bytes} max={DESCRIPTOR_FRAME_MAX}"
        )
    return descriptors, head_bytes, payload_bytes


def parse_head(encoded: bytes) -> dict[str, Any]:
    """One JSON object, UTF-8, without duplicate keys, nested at most 8 deep."""
    head = parse_json(encoded, "head")
    if not isinstance(head, dict):
        raise ProtocolError(f"head is not an object: type={type(head).__name__}")
    if _deeper_than(HEAD_DEPTH_MAX, head):
        raise ProtocolError(f"head nested too deep: max={HEAD_DEPTH_MAX}")
    return head


def parse_json(encoded: bytes, what: str) -> Any:
    try:
        return json.loads(encoded.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{what} is not strict JSON: {error}") from None


def check_reply(head: Mapping[str, Any]) -> str:
    """Which reply it is; its fields are there, with their types, and integers fit in 53 bits."""
    kind = head.get("reply")
    fields = REPLIES.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise ProtocolError(f"unknown reply: reply={kind!r}")
    check_fields(kind, {"seq": INT}, head)
    check_fields(kind, fields, head)
    return str(kind)


def check_entries(payload: bytes, count: int) -> list[dict[str, Any]]:
    """The entries of a page of list."""
    entries = _rows(payload, "listing", count)
    for entry in entries:
        _check_object("entry", ENTRY, entry)
        if not all(type(axis) is int for axis in entry["shape"]):
            raise ProtocolError(f"shape is not made of integers: shape={entry['shape']!r}")
    return entries


def check_holders(payload: bytes, count: int) -> list[dict[str, Any]]:
    """The rows of a page of holders."""
    rows = _rows(payload, "holding", count)
    for row in rows:
        _check_object("row", HOLDER, row)
    return rows


def check_places(payload: bytes, count: int) -> list[tuple[int, int]]:
    """Slab and record of each buffer of a batch."""
    places = []
    for place in _rows(payload, "published_many", count):
        if not isinstance(place, list) or [type(item) for item in place] != [int, int]:
            raise ProtocolError(f"place is not a pair of integers: place={place!r}")
        slab, record = place
        check_fields("place", {"slab": INT, "record": INT}, {"slab": slab, "record": record})
        places.append((slab, record))
    return places


def encode_rows(rows: Sequence[Sequence[str | int] | str]) -> bytes:
    """The index of a batch, or a list of names: a payload that is one JSON array."""
    return _encode_json(rows).encode()


def _rows(payload: bytes, what: str, count: int) -> list[Any]:
    rows = parse_json(payload, what)
    if not isinstance(rows, list) or len(rows) != count:
        raise ProtocolError(f"{what} is not an array of that length: count={count}")
    return rows


def _check_object(what: str, types: Mapping[str, type], value: object) -> None:
    if not isinstance(value, dict):
        raise ProtocolError(f"{what} is not an object: type={type(value).__name__}")
    check_fields(what, types, value)


def check_fields(what: object, types: Mapping[str, type], head: Mapping[str, Any]) -> None:
    for name, expected in types.items():
        if name not in head:
            raise ProtocolError(f"field is missing: in={what} field={name}")
        value = head[name]
        if type(value) is not expected:
            raise ProtocolError(
                f"field of another type: in={what} field={name} "
                f"type={type(value).__name__} expected={expected.__name__}"
            )
        if isinstance(value, int) and not 0 <= value <= SEQ_MAX:
            raise ProtocolError(
                f"integer out of bounds: in={what} field={name} value={value} max={SEQ_MAX}"
            )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"duplicate key: keys={[name for name, _ in pairs]}")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"not a number: value={name}")


def _deeper_than(depth: int, value: object) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_deeper_than(depth - 1, each) for each in inner)
