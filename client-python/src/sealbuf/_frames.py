"""Frames of the control protocol, version 1: bytes in, frames out, and back.

Sans-I/O: nothing here reads, writes or waits, so the same code is tested whole and byte by byte
without a daemon. A frame is a prefix of 16 bytes, a head (one JSON object) and a payload of raw
bytes:

     0      2         3             4            8                16
    +------+---------+-------------+------------+----------------+------+---------+
    | "SB" | version | descriptors | head_bytes | payload_bytes  | head | payload |
    +------+---------+-------------+------------+----------------+------+---------+

The prefix is checked before anything is allocated for the frame, then the head as strict JSON.
What the fields of a head may be is in `_protocol`.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from sealbuf._errors import ProtocolError, WrongVersion
from sealbuf._limits import (
    DESCRIPTOR_FRAME_MAX,
    DESCRIPTORS_MAX,
    HEAD_MAX,
    PAYLOAD_MAX,
)

MAGIC = b"SB"
VERSION = 1
PREFIX = struct.Struct("<2sBBIQ")
HEAD_DEPTH_MAX = 8
_START = MAGIC + bytes([VERSION])

encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Frame(NamedTuple):
    """A frame as it came: its head is an object, but not yet compared with any table."""

    head: dict[str, Any]
    payload: bytes = b""
    descriptors: int = 0


def encode_frame(head: Mapping[str, Any], payload_bytes: int = 0, descriptors: int = 0) -> bytes:
    """Prefix and head of a frame; the payload is sent behind them as it is."""
    fields = [encode_key(name) + encode_value(value) for name, value in head.items()]
    return framed(f"{{{','.join(fields)}}}", payload_bytes, descriptors)


def framed(head: str, payload_bytes: int, descriptors: int = 0) -> bytes:
    """Prefix and head, of a head that is JSON already."""
    encoded = head.encode()
    return PREFIX.pack(MAGIC, VERSION, descriptors, len(encoded), payload_bytes) + encoded


def encode_key(name: str) -> str:
    """A name in a JSON object, up to its value."""
    return f"{quoted(name)}:"


def encode_value(value: Any) -> str:
    """Nearly all fields are numbers, strings and true, and an encoder takes longer to set up than
    they to be written."""
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is str:
        return quoted(value)
    return "true" if value is True else encode_json(value)


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
        if not self._bytes and (alone := whole_frame(bytes(data))) is not None:
            yield alone
            return
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


def whole_frame(received: bytes) -> Frame | None:
    """What nearly every read brings: one frame, which need not be kept and cut then."""
    checked = check_prefix(received)
    if checked is None:
        return None
    descriptors, head_bytes, payload_bytes = checked
    body = PREFIX.size + head_bytes
    if len(received) != body + payload_bytes:
        return None
    return Frame(parse_head(received[PREFIX.size : body]), received[body:], descriptors)


def check_prefix(received: bytes | bytearray) -> tuple[int, int, int] | None:
    """Number of descriptors, length of the head, length of the payload; None: more bytes are due.

    The first bytes are judged as they come, so that a peer which speaks something else is told
    from one that is slow.
    """
    if not received.startswith(_START):
        _check_start(received)
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


def _check_start(received: bytes | bytearray) -> None:
    for at, (found, expected) in enumerate(zip(received, _START, strict=False)):
        if found != expected:
            raise WrongVersion(
                f"not a frame of protocol version {VERSION}: "
                f"byte={at} value=0x{found:02x} expected=0x{expected:02x}"
            )


def parse_head(encoded: bytes) -> dict[str, Any]:
    """One JSON object, UTF-8, without duplicate keys, nested at most 8 deep."""
    plain = _plain(encoded)
    if plain is not None:
        return plain
    head = parse_json(encoded, "head")
    if not isinstance(head, dict):
        raise ProtocolError(f"head is not an object: type={type(head).__name__}")
    brackets = encoded.count(b"{") + encoded.count(b"[")  # it is no deeper than it has of them
    if brackets > HEAD_DEPTH_MAX and _deeper_than(HEAD_DEPTH_MAX, head):
        raise ProtocolError(f"head nested too deep: max={HEAD_DEPTH_MAX}")
    return head


def _plain(encoded: bytes) -> dict[str, Any] | None:
    """What nearly every head is: an object with as many colons as it has keys. So no key is there
    twice, and only empty objects are nested in it. None: it takes a closer look."""
    if b"[" in encoded:
        return None
    try:
        text = encoded.decode()
        head, end = _scan(text, 0)
    except (ValueError, StopIteration, RecursionError):
        return None
    if type(head) is dict and end == len(text) and len(head) == encoded.count(b":"):
        return head
    return None


def parse_json(encoded: bytes, what: str) -> Any:
    try:
        return _parse(encoded.decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{what} is not strict JSON: {error}") from None


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


_scan = json.JSONDecoder(parse_constant=_no_constant).scan_once  # type: ignore[attr-defined]
_parse = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant).decode
