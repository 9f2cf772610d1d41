"""The shared memory, layout version 1: where each field lies, and what a reader checks first.

The contract is `protocol/LAYOUT.md`; a test compares its tables with the numbers below, which
appear nowhere else.

    catalog header                          record, in a slab
     0    owner                              0   lengths, hash, ids, place of the payload, ...
    64    epoch                             72   shape (8 * ndim), strides (8 * ndim)
    72    magic, version, unit, daemon           name, format, typestr, metadata
    1024  retired: 128 words
    2048  directory: 256 words                   padding to 64, then the payload, if here

    directory word  63 segment 36 | 35 page 8 | 7 log2_slots 0
    table word      63 tag 52     | 51 slab 24 | 23 offset / 64  0

The daemon is trusted, and yet a number read from shared memory is copied once, range-checked
against the size of its segment and only then used: the functions here take memory and give checked
values, or raise ProtocolError.
"""

import mmap
import struct
from typing import NamedTuple, TypeAlias
from zlib import crc32

from sealbuf._errors import ProtocolError, WrongVersion

Memory: TypeAlias = mmap.mmap | bytes
"""What records are read from: slicing it copies the bytes once."""
Place: TypeAlias = tuple[int, int, int]
"""Where a payload lies: segment (0: the slab of its record), first byte in it, length."""

# The catalog header

HEADER = struct.Struct("<I60xQ8sIIQ")
"""owner, epoch, magic, layout_version, page_bytes, daemon"""
HEADER_BYTES = 4096
OWNER = 0
EPOCH = 64
RETIRED = 1024
RETIRED_WORDS = 128
"""A ring: the number of retirement e, counted from 0, is word e modulo 128."""
DIRECTORY = 2048
TABLES = 256
MAGIC = b"Sealbuf\0"
LAYOUT_VERSION = 1
PAGE_BYTES = 4096
"""The unit of `page` in directory words, whatever the machine's page size."""
OWNER_DIED = 1 << 30
"""What the kernel sets in `owner` when the daemon dies. The whole word is 0 after a clean stop."""

# Words

WORD_BYTES = 8
EMPTY = 0
GONE = 1
WINDOW = 32
"""A name lies in one of so many words from its home on, wrapping round the end of the table."""
LOG2_SLOTS_BITS, PAGE_BITS, SEGMENT_BITS = 8, 28, 28
LOG2_SLOTS_MIN, LOG2_SLOTS_MAX = 6, 28
OFFSET_BITS, SLAB_BITS, TAG_BITS = 24, 28, 12
TAG_SHIFT = OFFSET_BITS + SLAB_BITS
TABLE_SHIFT = 24
"""Bits 24 to 31 of the hash choose the table."""
HASH_TAG_SHIFT = 12
"""Bits 12 to 23 of the hash are the tag."""

OFFSET_MASK = (1 << OFFSET_BITS) - 1
SLAB_MASK = (1 << SLAB_BITS) - 1
TAG_MASK = (1 << TAG_BITS) - 1

# Records

ALIGNMENT = 64
"""Records and payloads begin at multiples of this."""
SLAB_BYTES = 2 << 20
RECORD = struct.Struct("<IIQQQQQqIBBHHHI")
"""The part of fixed size, in the order of the table in LAYOUT.md."""
RECORD_BYTES = RECORD.size
_PLACE = struct.Struct("<I20xQQQ12xBBHHH")
"""Of it, what a get needs: lengths and the place of the payload."""
_unpack_place = _PLACE.unpack_from
_KIND = struct.Struct("<60xBBH2xH")
"""Of it, what tells bytes from everything else: lengths of name, shape, format and typestr."""
_unpack_kind = _KIND.unpack_from
_BYTES_FORMAT = ord("B")
_AXIS_BYTES = 16
"""Shape and strides, 8 bytes each."""
_FIRST_NAME = RECORD_BYTES + _AXIS_BYTES
"""Where the name is if there is one axis."""


class Table(NamedTuple):
    """Where a table of the catalog lies."""

    segment: int
    offset: int
    slots: int


class Record(NamedTuple):
    """A whole record, as people ask for it."""

    name: str
    buffer: int
    version: int
    place: Place
    created: int
    owner: int
    format: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    typestr: str
    metadata: bytes
    expires: int


def check_header(memory: Memory) -> int:
    """Checks that a segment begins with a catalog of this version; the daemon's number."""
    if len(memory) < HEADER_BYTES:
        raise ProtocolError(
            f"catalog shorter than its header: bytes={len(memory)} min={HEADER_BYTES}"
        )
    _, _, magic, version, page_bytes, daemon = HEADER.unpack_from(memory)
    if magic != MAGIC:
        raise ProtocolError("not a catalog: magic is missing")
    if version != LAYOUT_VERSION:
        raise WrongVersion(
            f"catalog of another layout: layout_version={version} expected={LAYOUT_VERSION}"
        )
    if page_bytes != PAGE_BYTES:
        raise ProtocolError(
            f"catalog with another page unit: page_bytes={page_bytes} expected={PAGE_BYTES}"
        )
    return int(daemon)


def pack_directory_word(table: Table) -> int:
    page, log2_slots = table.offset // PAGE_BYTES, table.slots.bit_length() - 1
    return table.segment << LOG2_SLOTS_BITS + PAGE_BITS | page << LOG2_SLOTS_BITS | log2_slots


def read_directory_word(word: int) -> Table:
    log2_slots = word & (1 << LOG2_SLOTS_BITS) - 1
    page = word >> LOG2_SLOTS_BITS & (1 << PAGE_BITS) - 1
    segment = word >> LOG2_SLOTS_BITS + PAGE_BITS
    if not LOG2_SLOTS_MIN <= log2_slots <= LOG2_SLOTS_MAX or segment == 0:
        raise ProtocolError(
            f"bad directory word: word=0x{word:016x} segment={segment} log2_slots={log2_slots}"
        )
    return Table(segment, page * PAGE_BYTES, 1 << log2_slots)


def check_table(table: Table, segment_bytes: int) -> None:
    end = table.offset + table.slots * WORD_BYTES
    if end > segment_bytes:
        raise ProtocolError(
            f"table outside its segment: segment={table.segment} end={end} "
            f"segment_bytes={segment_bytes}"
        )


def pack_table_word(tag: int, slab: int, offset: int) -> int:
    return tag << TAG_SHIFT | slab << OFFSET_BITS | offset // ALIGNMENT


def match_record(memory: Memory, at: int, name: bytes) -> Place | None:
    """Range-checks the record at byte `at`; the place of its payload, if it carries this name."""
    room = len(memory) - at
    if at < 0 or at % ALIGNMENT or room < RECORD_BYTES:
        raise ProtocolError(f"record outside its slab: at={at} slab_bytes={len(memory)}")
    size, segment, offset, nbytes, name_bytes, ndim, format_bytes, metadata_bytes, typestr_bytes = (
        _unpack_place(memory, at)
    )
    start = RECORD_BYTES + _AXIS_BYTES * ndim
    parts = start + name_bytes + format_bytes + metadata_bytes + typestr_bytes
    if size != parts or size > room:
        raise _bad_length(at, size, parts, room)
    start += at
    if memory[start : start + name_bytes] != name:
        return None
    if segment == 0 and (offset % ALIGNMENT or offset + nbytes > len(memory)):
        check_payload(offset, nbytes, len(memory))
    return segment, offset, nbytes


def check_payload(offset: int, nbytes: int, segment_bytes: int) -> None:
    """Checks that a payload lies within a segment of so many bytes."""
    if offset % ALIGNMENT or offset + nbytes > segment_bytes:
        raise ProtocolError(
            f"payload outside its segment: offset={offset} nbytes={nbytes} "
            f"segment_bytes={segment_bytes}"
        )


def describes_bytes(memory: Memory, at: int) -> bool:
    """Whether a record that was read before says format `B` and one axis, as most do."""
    name_bytes, ndim, format_bytes, typestr_bytes = _unpack_kind(memory, at)
    if ndim != 1 or format_bytes != 1 or typestr_bytes:
        return False
    return bool(memory[at + _FIRST_NAME + name_bytes] == _BYTES_FORMAT)


def read_record(memory: Memory, at: int) -> Record:
    """The record at byte `at`, its lengths checked; where its payload may lie is not."""
    room = len(memory) - at
    if at < 0 or room < RECORD_BYTES:
        raise ProtocolError(f"record outside its slab: at={at} slab_bytes={len(memory)}")
    fields = RECORD.unpack_from(memory, at)
    size, _, buffer, version, segment, offset, nbytes, created, owner = fields[:9]
    name_bytes, ndim, format_bytes, metadata_bytes, typestr_bytes, expires = fields[9:]
    axes = struct.Struct(f"<{ndim}q")
    name_at = RECORD.size + 2 * axes.size
    format_at = name_at + name_bytes
    typestr_at = format_at + format_bytes
    metadata_at = typestr_at + typestr_bytes
    if size != metadata_at + metadata_bytes or size > room:
        raise _bad_length(at, size, metadata_at + metadata_bytes, room)
    copied = memory[at : at + size]
    return Record(
        _text(copied[name_at:format_at], at),
        buffer,
        version,
        (segment, offset, nbytes),
        created,
        owner,
        _text(copied[format_at:typestr_at], at),
        axes.unpack_from(copied, RECORD.size),
        axes.unpack_from(copied, RECORD.size + axes.size),
        _text(copied[typestr_at:metadata_at], at),
        copied[metadata_at:],
        expires,
    )


def _bad_length(at: int, size: int, parts: int, room: int) -> ProtocolError:
    return ProtocolError(
        f"record length does not add up: at={at} record_bytes={size} parts={parts} room={room}"
    )


def _text(encoded: bytes, at: int) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        raise ProtocolError(f"record is not UTF-8: at={at} bytes={encoded!r}") from None


def encode_record(record: Record) -> bytes:
    """The bytes of a record, as the daemon writes them."""
    name, format_, typestr = (
        text.encode() for text in (record.name, record.format, record.typestr)
    )
    ndim = len(record.shape)
    tail = struct.pack(f"<{2 * ndim}q", *record.shape, *record.strides)
    tail += name + format_ + typestr + record.metadata
    head = RECORD.pack(
        RECORD.size + len(tail),
        crc32(name),
        record.buffer,
        record.version,
        *record.place,
        record.created,
        record.owner,
        len(name),
        ndim,
        len(format_),
        len(record.metadata),
        len(typestr),
        record.expires,
    )
    return head + tail
