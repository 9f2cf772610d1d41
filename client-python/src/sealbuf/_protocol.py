"""Requests and replies of the control protocol, version 1: their fields, and what these may be.

Sans-I/O, as the frames that carry them (`_frames`). The contract is `protocol/PROTOCOL.md`; a test
compares its tables with the ones below. A reply is checked against the table of its fields, so
whoever uses it may rely on its types and ranges.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sealbuf._errors import ProtocolError
from sealbuf._frames import encode_json, encode_key, encode_value, framed, parse_json
from sealbuf._limits import SEQ_MAX

INT, STR, MAP = int, str, dict

_ABSENT: Any = object()
_DESCRIPTION = ("format?", "typestr?", "shape?", "strides?")

REQUESTS: dict[str, tuple[str, ...]] = {
    "hello": ("namespace", "client"),
    "put": ("name?", "buffer?", "replace?", "ttl?", "session?", *_DESCRIPTION, "metadata_bytes?"),
    "put_many": ("count", "index_bytes", "replace?", "ttl?", "session?"),
    "create": (
        "name?",
        "nbytes",
        "buffer?",
        "replace?",
        "ttl?",
        "session?",
        "batch?",
        *_DESCRIPTION,
    ),
    "seal": ("buffer", "nbytes?", "spare?"),
    "seal_spare": (
        "buffer",
        "name?",
        "nbytes",
        "replace?",
        "ttl?",
        "session?",
        "spare?",
        *_DESCRIPTION,
    ),
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
    "seal": frozenset({"published", "published_lent"}),
    "seal_spare": frozenset({"published", "published_lent"}),
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
    "published_lent": {
        "name": STR,
        "buffer": INT,
        "version": INT,
        "created": INT,
        "slab": INT,
        "slab_bytes": INT,
        "record": INT,
        "spare": INT,
        "segment": INT,
        "segment_bytes": INT,
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
    "published_lent": frozenset({2}),
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


_NAMES = {op: [field.rstrip("?") for field in fields] for op, fields in REQUESTS.items()}
_KEYS = {op: {name: f",{encode_key(name)}" for name in names} for op, names in _NAMES.items()}
_PAIR = [INT, INT]
_PLACE = {"slab": INT, "record": INT}
_TYPES = {kind: {"seq": INT, **fields} for kind, fields in REPLIES.items()}


def encode_request(op: str, seq: int, fields: Mapping[str, Any], payload_bytes: int = 0) -> bytes:
    """Prefix and head of a request. Fields that are None or False are left out."""
    head = f'{{"op":"{op}","seq":{seq}'
    for name, key in _KEYS[op].items():
        value = fields.get(name)
        if value is not None and value is not False:
            head += key + encode_value(value)
    return framed(head + "}", payload_bytes)


def check_reply(head: Mapping[str, Any]) -> str:
    """Which reply it is; its fields are there, with their types, and integers fit in 53 bits."""
    kind = head.get("reply")
    fields = _TYPES.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise ProtocolError(f"unknown reply: reply={kind!r}")
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
        if not isinstance(place, list) or [*map(type, place)] != _PAIR:
            raise ProtocolError(f"place is not a pair of integers: place={place!r}")
        slab, record = place
        if not (0 <= slab <= SEQ_MAX and 0 <= record <= SEQ_MAX):
            check_fields("place", _PLACE, {"slab": slab, "record": record})
        places.append((slab, record))
    return places


def encode_rows(rows: Sequence[Sequence[str | int | Mapping[str, Any]] | str]) -> bytes:
    """The index of a batch, or a list of names: a payload that is one JSON array."""
    return encode_json(rows).encode()


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
        value: Any = head.get(name, _ABSENT)
        in_bounds = expected is not INT or (type(value) is int and 0 <= value <= SEQ_MAX)
        if type(value) is not expected or not in_bounds:
            raise _wrong_field(what, name, value, expected)


def _wrong_field(what: object, name: str, value: object, expected: type) -> ProtocolError:
    if value is _ABSENT:
        return ProtocolError(f"field is missing: in={what} field={name}")
    if type(value) is not expected:
        return ProtocolError(
            f"field of another type: in={what} field={name} "
            f"type={type(value).__name__} expected={expected.__name__}"
        )
    return ProtocolError(
        f"integer out of bounds: in={what} field={name} value={value} max={SEQ_MAX}"
    )
