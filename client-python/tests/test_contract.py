"""The tables of `protocol/PROTOCOL.md` and `LAYOUT.md`, compared with the code."""

import builtins
import pickle
import re
import struct
from itertools import pairwise

import pytest

import sealbuf
from helpers import tables
from helpers.tables import names, sections
from sealbuf import _errors as errors
from sealbuf import _frames as frames
from sealbuf import _layout as layout
from sealbuf import _limits as limits
from sealbuf import _memory as memory
from sealbuf import _objects as objects
from sealbuf import _protocol as protocol

PROTOCOL = sections("PROTOCOL.md")
LAYOUT = sections("LAYOUT.md")

BASES = {
    "not_found": KeyError,
    "store_full": MemoryError,
    "still_mapped": BufferError,
    "not_permitted": PermissionError,
    "invalid_name": ValueError,
    "invalid_request": ValueError,
    "wrong_version": sealbuf.ProtocolError,
    "disconnected": ConnectionError,
    "no_daemon": sealbuf.Disconnected,
    "too_many_mappings": sealbuf.StoreFull,
    "timeout": builtins.TimeoutError,
    "closed": ValueError,
}
"""What Python programs may catch instead; the others are only `sealbuf.Error`."""


def replies_in(cell: str) -> set[str]:
    return {word for word in re.findall(r"\w+", cell) if word in protocol.REPLIES}


def test_limits_are_those_of_the_document() -> None:
    documented = {name: int(value) for name, value, _ in PROTOCOL["Limits"]}
    needed = {"HEAD_MAX", "PAYLOAD_MAX", "DESCRIPTORS_MAX", "DESCRIPTOR_FRAME_MAX", "NAME_MAX",
              "SEQ_MAX", "LIST_MAX", "PUT_MAX", "PAGE_MAX", "BATCH_MAX", "BATCH_BYTES", "WAIT_MAX",
              "TTL_MAX", "FORMAT_MAX", "TYPESTR_MAX", "NDIM_MAX", "METADATA_MAX", "HOLDS_MAX",
              "HOLD_SECONDS"}  # fmt: skip
    assert {name: getattr(limits, name) for name in needed} == {
        name: documented[name] for name in needed
    }


def test_the_prefix_is_that_of_the_document() -> None:
    sizes = [int(row[1]) for row in PROTOCOL["Frame"] if row[1].isdigit()]
    offsets = [int(row[0]) for row in PROTOCOL["Frame"] if row[1].isdigit()]
    assert offsets == [sum(sizes[:at]) for at in range(len(sizes))]
    assert sum(sizes) == frames.PREFIX.size


def test_requests_are_those_of_the_document() -> None:
    rows = PROTOCOL["Requests"]
    assert {op: names(fields) for op, fields, *_ in rows} == protocol.REQUESTS
    assert {op: replies_in(reply) for op, _, _, reply, _ in rows} == protocol.ANSWERS


def test_replies_are_those_of_the_document() -> None:
    rows = [row for row in PROTOCOL["Replies"] if len(row) == 2 and row[0] in protocol.REPLIES]
    rows = rows[: len(protocol.REPLIES)]  # one of them is also a figure of stat
    assert {reply: names(fields) for reply, fields in rows} == {
        reply: tuple(fields) for reply, fields in protocol.REPLIES.items()
    }


def test_replies_bring_the_descriptors_of_the_document() -> None:
    for op, _, _, reply, brings in PROTOCOL["Requests"]:
        stated = set().union(*(protocol.DESCRIPTORS.get(r, {0}) for r in replies_in(reply)))
        numbers = set(map(int, re.findall(r"\b\d\b", brings)))
        expected = numbers if brings[0].isdigit() else {0, 1, 2}
        assert stated == expected, op


def test_errors_give_the_advice_of_the_document() -> None:
    for code, *_, advice in PROTOCOL["Errors"]:
        kind = errors.BY_CODE[code]
        assert kind.advice == advice.replace("`", "")
        assert str(kind("rule: evidence=1")) == f"rule: evidence=1; {kind.advice}"


def test_errors_are_those_of_the_document() -> None:
    rows = PROTOCOL["Errors"]
    assert {row[0]: row[2] for row in rows} == {
        code: each.__name__ for code, each in errors.BY_CODE.items()
    }
    assert all(getattr(sealbuf, row[2]) is errors.BY_CODE[row[0]] for row in rows)


@pytest.mark.parametrize("code", errors.BY_CODE)
def test_an_error_is_also_what_python_programs_expect(code: str) -> None:
    kind = errors.BY_CODE[code]
    expected = BASES.get(code, sealbuf.Error)
    assert issubclass(kind, sealbuf.Error)
    assert issubclass(kind, expected)
    assert kind.__bases__[-1] is expected
    assert kind("rule: evidence=1").message == "rule: evidence=1"
    again = kind(message="rule: evidence=1")  # as torch raises again what its workers raised
    assert (again.message, again.args) == ("rule: evidence=1", ("rule: evidence=1",))
    assert type(pickle.loads(pickle.dumps(again))) is kind


def test_the_header_is_that_of_the_document() -> None:
    rows = {row[3]: (int(row[0]), int(row[1])) for row in LAYOUT["Catalog header"]}
    assert rows["owner"][0] == layout.OWNER
    assert rows["epoch"][0] == layout.EPOCH
    assert rows["retired"] == (layout.RETIRED, layout.RETIRED_WORDS * layout.WORD_BYTES)
    assert rows["directory"] == (layout.DIRECTORY, layout.TABLES * layout.WORD_BYTES)
    rings = {"retired", "directory"}
    assert sum(size for name, (_, size) in rows.items() if name not in rings) == layout.HEADER.size
    packed = layout.HEADER.pack(1, 2, layout.MAGIC, 4, 5, 6)
    written = {"owner": 1, "epoch": 2, "layout_version": 4, "page_bytes": 5, "daemon": 6}
    for name, value in written.items():
        offset, size = rows[name]
        assert int.from_bytes(packed[offset : offset + size], "little") == value
    offset, size = rows["magic"]
    assert packed[offset : offset + size] == layout.MAGIC


def test_the_record_is_that_of_the_document() -> None:
    rows = [row for row in LAYOUT["Record"] if row[0].isdigit() and row[1].isdigit()]
    assert [row[3] for row in rows] == [
        "record_bytes", "hash", "buffer", "version", "segment", "offset", "nbytes", "created",
        "owner", "name_bytes", "ndim", "format_bytes", "metadata_bytes", "typestr_bytes", "expires",
    ]  # fmt: skip
    packed = layout.RECORD.pack(*range(1, len(rows) + 1))
    for value, (offset, size, *_) in enumerate(rows, 1):
        at = int(offset)
        assert int.from_bytes(packed[at : at + int(size)], "little") == value
    shape = next(row for row in LAYOUT["Record"] if row[3] == "shape")
    assert int(shape[0]) == layout.RECORD.size


@pytest.mark.parametrize(
    ("heading", "bits"),
    [
        ("Directory word", [layout.LOG2_SLOTS_BITS, layout.PAGE_BITS, layout.SEGMENT_BITS]),
        ("Table word", [layout.OFFSET_BITS, layout.SLAB_BITS, layout.TAG_BITS]),
    ],
)
def test_words_are_those_of_the_document(heading: str, bits: list[int]) -> None:
    ranges = [re.fullmatch(r"(\d+)-(\d+)", row[0]) for row in LAYOUT[heading]]
    found = [(int(match[1]), int(match[2])) for match in ranges if match]
    edges = [sum(bits[:at]) for at in range(len(bits) + 1)]
    assert found == [(low, high - 1) for low, high in pairwise(edges)]


def test_special_words_and_slabs_are_those_of_the_document() -> None:
    words = {row[0]: int(row[1]) for row in LAYOUT["Table word"] if row[0].isupper()}
    assert words == {"EMPTY": layout.EMPTY, "GONE": layout.GONE}
    slab = next(row for row in LAYOUT["Segments"] if row[0] == "slab")
    assert int(slab[1]) == layout.SLAB_BYTES


def test_seals_are_those_of_the_document() -> None:
    rows = {row[0]: row[2] for row in LAYOUT["Segments"]}
    bits = {name: getattr(memory, f"SEAL_{name}")
            for name in ("FUTURE_WRITE", "WRITE", "SHRINK", "GROW", "SEAL")}  # fmt: skip

    def seals(text: str) -> int:
        return sum(bits[name] for name in re.findall(r"[A-Z_]+", text))

    assert seals(rows["catalog"]) == seals(rows["slab"]) == memory.SHARED_SEALS
    born, published = rows["dedicated"].split(";")
    assert seals(born) == memory.LENT_SEALS
    assert seals(born) | seals(published) == memory.SEALED


def test_an_object_is_that_of_the_document() -> None:
    text = (tables.PROTOCOL / "LAYOUT.md").read_text()
    assert f"exactly the {len(objects.MARK)} bytes `{objects.MARK.decode()}`" in text
    (count_at, count_bytes), (lengths_at, _) = [row[:2] for row in LAYOUT["Object"]]
    pickled = objects.Pickled.of([pickle.PickleBuffer(b"one"), pickle.PickleBuffer(bytes(100))])
    room = bytearray(pickled.nbytes)
    pickled.write(memoryview(room))
    count = int.from_bytes(room[int(count_at) : int(count_at) + int(count_bytes)], "little")
    assert count == 3
    lengths = struct.unpack_from(f"<{count}Q", room, int(lengths_at))
    parts, end = [], int(lengths_at) + 8 * count
    for length in lengths:
        start = (end + 63) // 64 * 64
        end = start + length
        parts.append(bytes(room[start:end]))
    assert end == len(room)
    assert parts[1:] == [b"one", bytes(100)]
    assert [*map(bytes, pickle.loads(parts[0], buffers=parts[1:]))] == [b"one", bytes(100)]
