"""The golden vectors, decoded and encoded: the same bytes that the Java tests read."""

import json
import struct
from typing import Any

import pytest

from helpers import vectors
from sealbuf import _frames as frames
from sealbuf import _layout as layout
from sealbuf import _protocol as protocol
from sealbuf._description import described


def head_of(name: str) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(vectors.fields(name)["head"].value)
    return head


@pytest.mark.parametrize("name", vectors.frames())
def test_a_frame_decodes_to_what_its_comments_say(name: str) -> None:
    (frame,) = frames.Decoder().feed(vectors.whole(name))
    fields = vectors.fields(name)
    assert frame.head == head_of(name)
    assert frame.payload == fields["payload"].data
    assert frame.descriptors == int(fields["descriptors"].value)


@pytest.mark.parametrize("name", vectors.frames())
def test_a_frame_encodes_to_its_bytes(name: str) -> None:
    head, payload = head_of(name), vectors.fields(name)["payload"].data
    if "op" in head:
        fields = {name: value for name, value in head.items() if name not in ("op", "seq")}
        encoded = protocol.encode_request(head["op"], head["seq"], fields, len(payload))
    else:
        descriptors = int(vectors.fields(name)["descriptors"].value)
        encoded = frames.encode_frame(head, len(payload), descriptors)
    assert encoded + payload == vectors.whole(name)


@pytest.mark.parametrize("name", [n for n in vectors.frames() if "reply" in head_of(n)])
def test_a_reply_passes_the_checks_of_its_table(name: str) -> None:
    assert protocol.check_reply(head_of(name)) == head_of(name)["reply"]


def test_the_entries_of_a_listing_are_read() -> None:
    payload = vectors.fields("frame-listing")["payload"].data
    (entry,) = protocol.check_entries(payload, 1)
    assert (entry["name"], entry["nbytes"], entry["shape"]) == ("batch/1", 3, [3])


def test_the_rows_of_holders_are_read() -> None:
    payload = vectors.fields("frame-holding")["payload"].data
    (row,) = protocol.check_holders(payload, 1)
    assert (row["name"], row["deleted"], row["state"]) == ("greeting", True, "may hold")


def test_the_places_of_a_batch_are_read() -> None:
    payload = vectors.fields("frame-published_many")["payload"].data
    assert protocol.check_places(payload, 2) == [(2, 256), (2, 448)]


def test_names_and_the_index_of_a_batch_are_written() -> None:
    assert protocol.encode_rows(["batch/1", "λ"]) == (
        vectors.fields("frame-delete_many")["payload"].data
    )
    index = protocol.encode_rows([("batch/1", 3), ("λ", 2)])
    assert index + b"abcde" == vectors.fields("frame-put_many")["payload"].data


def test_descriptions_are_written() -> None:
    doubles = described("<d", 8, (2,))
    payload = vectors.fields("frame-put_many-typed")["payload"].data
    index = protocol.encode_rows([("a", 16, doubles.fields), ("b", 3)])
    assert payload.startswith(index)
    times = described("<q", 8, (2,), typestr="<M8[ns]")
    points = described("T{<d:x:<d:λ:}", 16, (2, 3), fortran=True)
    for name, description in {"frame-put-typed": times, "frame-create-typed": points}.items():
        head = head_of(name)
        assert list(description.fields) == [key for key in head if key in description.fields]
        assert json.loads(json.dumps(description.fields)) == {
            key: head[key] for key in description.fields
        }


def test_every_request_and_reply_has_a_vector() -> None:
    kinds = {name.removeprefix("frame-").split("-")[0] for name in vectors.frames()}
    assert kinds == {*protocol.REQUESTS, *protocol.REPLIES}


def test_the_header_is_read() -> None:
    fields = vectors.fields("header")
    page = vectors.whole("header").ljust(layout.HEADER_BYTES, b"\0")
    assert layout.check_header(page) == int(fields["daemon"].value)
    owner, epoch, *_ = layout.HEADER.unpack_from(page)
    assert (owner, epoch) == (int(fields["owner"].value), int(fields["epoch"].value))


@pytest.mark.parametrize("name", ["record-inline", "record-dedicated", "record-typed"])
def test_a_record_is_read_and_written(name: str) -> None:
    data = vectors.whole(name)
    expected = {field: line.value for field, line in vectors.fields(name).items()}
    # A slab goes on behind a record; here with what the longest payload needs.
    record = layout.read_record(data.ljust(layout.SLAB_BYTES, b"\0"), 0)
    assert record.name == expected["name"]
    assert record.place == tuple(int(expected[f]) for f in ("segment", "offset", "nbytes"))
    assert record.shape == tuple(map(int, expected["shape"].split(", ")))
    assert record.strides == tuple(map(int, expected["strides"].split(", ")))
    assert record.format == expected["format"]
    assert record.typestr == expected.get("typestr", "")
    assert record.metadata == b"".join(
        line.data for line in vectors.lines(name) if line.field == "metadata"
    )
    for field in ("buffer", "version", "created", "owner", "expires"):
        assert getattr(record, field) == int(expected[field])
    assert layout.encode_record(record) == data


def test_words_are_read() -> None:
    for line in vectors.lines("words"):
        (word,) = struct.unpack("<Q", line.data)
        values = [int(part.split(" = ")[1]) for part in line.value.split(", ") if part]
        match line.field, values:
            case "directory", [log2_slots, page, segment]:
                table = layout.read_directory_word(word)
                assert table == (segment, page * layout.PAGE_BYTES, 1 << log2_slots)
                assert layout.pack_directory_word(table) == word
            case "live", [tag, slab, offset64]:
                assert word >> layout.TAG_SHIFT == tag
                assert word >> layout.OFFSET_BITS & layout.SLAB_MASK == slab
                assert (word & layout.OFFSET_MASK) == offset64
                assert layout.pack_table_word(tag, slab, offset64 * layout.ALIGNMENT) == word
            case other, _:
                assert word == getattr(layout, other)
