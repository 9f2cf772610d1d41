"""The reader of the catalog, over segments made by hand: what it finds, refuses and survives."""

import struct
import weakref
from collections.abc import Iterator
from zlib import crc32

import pytest

import sealbuf
from helpers import segments
from helpers.segments import CATALOG, CATALOG_BYTES, DAEMON, SLAB, HandMade
from sealbuf import _catalog
from sealbuf import _layout as layout
from sealbuf._catalog import Answer, CatalogReader
from sealbuf._deadline import Deadline
from sealbuf._layout import Table
from sealbuf._memory import Mapping


@pytest.fixture
def made() -> Iterator[HandMade]:
    with segments.catalog() as catalog:
        yield catalog


def payload(reader: CatalogReader, name: str) -> bytes | Answer:
    found = reader.find(name.encode(), Deadline(None))
    if isinstance(found, Answer):
        return found
    _, slab, _, (segment, offset, nbytes) = found
    assert segment == 0
    return slab.view[offset : offset + nbytes].tobytes()


def test_a_name_leads_to_its_bytes(made: HandMade) -> None:
    made.put("greeting", b"hello")
    made.put("empty", b"")
    reader = made.reader()
    assert reader.daemon == DAEMON
    assert payload(reader, "greeting") == b"hello"
    assert payload(reader, "empty") == b""
    assert payload(reader, "nobody") is Answer.ABSENT


def test_a_slab_is_asked_for_once(made: HandMade) -> None:
    made.put("a", b"1")
    made.put("b", b"2")
    reader = made.reader()
    assert [payload(reader, name) for name in "abab"] == [b"1", b"2", b"1", b"2"]
    assert made.maps == [SLAB]


def test_what_is_published_later_is_seen_at_once(made: HandMade) -> None:
    reader = made.reader()
    assert payload(reader, "greeting") is Answer.ABSENT
    made.put("greeting", b"hello")
    assert payload(reader, "greeting") == b"hello"
    made.put("greeting", b"hello again", version=2)
    assert payload(reader, "greeting") == b"hello again"
    made.store("greeting", layout.GONE)
    assert payload(reader, "greeting") is Answer.ABSENT


def test_a_name_is_found_behind_gone_words_and_other_tags(made: HandMade) -> None:
    word = made.word("greeting", made.put("greeting", b"hello"))
    other = word ^ 1 << layout.TAG_SHIFT
    for step in range(layout.WINDOW - 1):
        made.store("greeting", layout.GONE if step % 2 else other, step=step)
    made.store("greeting", word, step=layout.WINDOW - 1)
    assert payload(made.reader(), "greeting") == b"hello"


def test_an_empty_word_ends_the_search(made: HandMade) -> None:
    word = made.word("greeting", made.put("greeting", b"hello"))
    made.store("greeting", layout.EMPTY, step=0)
    made.store("greeting", word, step=1)
    assert payload(made.reader(), "greeting") is Answer.ABSENT


def test_after_a_full_window_only_the_daemon_knows(made: HandMade) -> None:
    for step in range(layout.WINDOW):
        made.store("greeting", layout.GONE, step=step)
    assert payload(made.reader(), "greeting") is Answer.ASK


def test_a_window_wraps_round_the_end_of_its_table(made: HandMade) -> None:
    slots = 1 << segments.LOG2_SLOTS
    name = next(n for n in map(str, range(10_000)) if crc32(n.encode()) % slots == slots - 1)
    word = made.word(name, made.put(name, b"hello"))
    made.store(name, layout.GONE, step=0)
    made.store(name, word, step=1)
    assert made.slots(name)[1] < made.slots(name)[0]
    assert payload(made.reader(), name) == b"hello"


def test_the_same_tag_with_another_name_is_passed_over(made: HandMade) -> None:
    at = made.put("somebody else", b"no")
    made.store("greeting", made.word("greeting", at), step=0)
    assert payload(made.reader(), "greeting") is Answer.ABSENT


def test_gone_is_not_taken_for_a_name_whose_tag_is_zero(made: HandMade) -> None:
    name = next(n for n in map(str, range(100_000)) if made.word(n, 0) >> layout.TAG_SHIFT == 0)
    made.store(name, layout.GONE)
    assert payload(made.reader(), name) is Answer.ABSENT


def test_a_table_that_moved_is_followed(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    assert payload(reader, "greeting") == b"hello"
    index = crc32(b"greeting") >> layout.TABLE_SHIFT
    elsewhere = Table(CATALOG, layout.HEADER_BYTES + (index ^ 1) * layout.PAGE_BYTES, 64)
    made.set_directory(index, layout.pack_directory_word(elsewhere))
    assert payload(reader, "greeting") is Answer.ABSENT


@pytest.mark.parametrize("owner", [0, layout.OWNER_DIED, layout.OWNER_DIED | segments.OWNER])
def test_a_dead_daemons_catalog_does_not_answer(made: HandMade, owner: int) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    assert reader.alive
    made.set_header(owner=owner)
    assert not reader.alive
    with pytest.raises(sealbuf.Disconnected) as caught:
        reader.find(b"greeting", Deadline(None))
    assert caught.value.message == (
        f"the daemon is gone, its catalog does not answer: owner={owner}"
    )


def test_a_reader_that_does_not_look_at_the_header_would_answer(made: HandMade) -> None:
    """The negative control: without step 1 a dead daemon's names would still be found."""
    made.put("greeting", b"hello")
    reader = made.reader()
    made.set_header(owner=layout.OWNER_DIED)
    reader._owner = memoryview(struct.pack("<I", segments.OWNER)).cast("I")
    assert payload(reader, "greeting") == b"hello"


def test_a_slab_that_is_retired_is_let_go_of_and_others_are_kept(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    assert payload(reader, "greeting") == b"hello"
    made.retire(77)
    assert payload(reader, "greeting") == b"hello"
    assert made.maps == [SLAB]
    made.retire(SLAB)
    for _ in range(2):
        assert payload(reader, "greeting") == b"hello"
    assert made.maps == [SLAB, SLAB]


def test_one_who_sleeps_lets_go_by_refresh(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    found = reader.find(b"greeting", Deadline(None))
    assert not isinstance(found, Answer)
    mapping = weakref.ref(found[1].memory)
    view = found[1].view[:5]
    del found
    made.retire(SLAB)
    reader.refresh()
    assert mapping() is not None, "somebody views it"
    del view
    assert mapping() is None


@pytest.mark.parametrize("before", [0, 1, 100, 127, 128, 1000])
@pytest.mark.parametrize("others", [0, 1, 63, 64, 127, 128, 5000])
def test_however_many_are_retired_at_once_none_is_kept(
    made: HandMade, before: int, others: int
) -> None:
    made.retire(*range(1000, 1000 + before))
    made.put("greeting", b"hello")
    reader = made.reader()
    reader.find(b"greeting", Deadline(None))
    made.retire(SLAB, *range(10_000, 10_000 + others))
    reader.refresh()
    assert not reader._slabs
    assert not reader._mapped.get(SLAB)


def test_a_slab_that_is_retired_while_it_is_asked_for_is_not_kept(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    brings = made.map

    def retire_meanwhile(number: int, deadline: Deadline) -> Mapping:
        mapping = brings(number, deadline)
        made.retire(number)
        reader.refresh()
        return mapping

    reader._map_segment = retire_meanwhile
    assert payload(reader, "greeting") == b"hello"
    assert not reader._slabs
    assert payload(reader, "greeting") == b"hello"
    assert made.maps == [SLAB, SLAB]


def move_table(made: HandMade, name: str, segment: int) -> None:
    index = crc32(name.encode()) >> layout.TABLE_SHIFT
    offset = layout.HEADER_BYTES + index * layout.PAGE_BYTES
    made.set_directory(index, layout.pack_directory_word(Table(segment, offset, 64)))


def test_a_table_that_is_retired_is_let_go_of(made: HandMade) -> None:
    made.put("greeting", b"hello")
    later = weakref.WeakSet[Mapping]()
    brings = made.map

    def map_segment(number: int, _deadline: Deadline) -> Mapping:
        mapping = brings(CATALOG if number == 9 else number)
        if number == 9:
            later.add(mapping)
        return mapping

    reader = made.reader()
    reader._map_segment = map_segment
    move_table(made, "greeting", 9)
    assert payload(reader, "greeting") == b"hello"
    assert len(later) == 1
    move_table(made, "greeting", CATALOG)
    made.retire(9)
    reader.refresh()
    assert not later
    assert payload(reader, "greeting") == b"hello"


def test_a_table_that_was_retired_meanwhile_is_looked_up_again(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    brings = made.map

    def gone_once(number: int, deadline: Deadline) -> Mapping:
        if number == 9:
            move_table(made, "greeting", CATALOG)
            raise sealbuf.NotFound(f"no such segment: segment={number}")
        return brings(number, deadline)

    reader._map_segment = gone_once
    move_table(made, "greeting", 9)
    assert payload(reader, "greeting") == b"hello"


def test_a_dead_daemons_memory_is_let_go_of(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    reader.find(b"greeting", Deadline(None))
    made.set_header(owner=layout.OWNER_DIED)
    reader.refresh()
    assert not reader._slabs
    assert not reader._mapped.get(SLAB)


def test_a_slab_that_is_gone_is_asked_for_three_times_and_then_the_daemon(made: HandMade) -> None:
    asked = []

    def gone(number: int, _deadline: Deadline) -> Mapping:
        asked.append(number)
        raise sealbuf.NotFound(f"no such segment: segment={number}")

    made.put("greeting", b"hello")
    reader = made.reader()
    reader._map_segment = gone
    assert reader.find(b"greeting", Deadline(None)) is Answer.ASK
    assert asked == [SLAB] * _catalog.ATTEMPTS_MAX


def test_the_cache_of_slabs_is_bounded_and_views_outlive_it(
    made: HandMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_catalog, "SLABS_MAX", 2)
    made.put("greeting", b"hello")
    reader = made.reader()
    found = reader.find(b"greeting", Deadline(None))
    assert not isinstance(found, Answer)
    view, mapping = found[1].view, found[1].memory
    others = [made.map(SLAB) for _ in range(2)]
    for number, other in enumerate(others, 10):
        reader.keep(number, other, reader.epoch)
    assert len(reader._slabs) == 2
    assert SLAB not in reader._slabs
    del found
    again = reader.slab(SLAB, Deadline(None))
    assert again.memory is mapping, "a slab that somebody views is not mapped again"
    assert view[made.end - 64 : made.end - 59].tobytes() == b"hello"


HEADER_FAULTS = [
    ((layout.MAGIC[:-1] + b"!", 1, 4096), sealbuf.ProtocolError, "not a catalog: magic is missing"),
    ((bytes(8), 0, 0), sealbuf.ProtocolError, "not a catalog: magic is missing"),
    ((layout.MAGIC, 2, 4096), sealbuf.WrongVersion,
     "catalog of another layout: layout_version=2 expected=1"),
    ((layout.MAGIC, 0, 4096), sealbuf.WrongVersion,
     "catalog of another layout: layout_version=0 expected=1"),
    ((layout.MAGIC, 1, 8192), sealbuf.ProtocolError,
     "catalog with another page unit: page_bytes=8192 expected=4096"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "kind", "message"), HEADER_FAULTS)
def test_a_header_that_is_not_ours_is_refused(
    made: HandMade, fields: tuple[bytes, int, int], kind: type, message: str
) -> None:
    layout.HEADER.pack_into(made.catalog.memory, 0, 1, 0, *fields, DAEMON)
    with pytest.raises(sealbuf.ProtocolError) as caught:
        made.reader()
    assert (type(caught.value), caught.value.message) == (kind, message)


def test_a_catalog_shorter_than_its_header_is_refused() -> None:
    with pytest.raises(sealbuf.ProtocolError) as caught:
        layout.check_header(bytes(4095))
    assert caught.value.message == "catalog shorter than its header: bytes=4095 min=4096"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (0, "bad directory word: word=0x0000000000000000 segment=0 log2_slots=0"),
        (2**64 - 1, "bad directory word: word=0xffffffffffffffff segment=268435455 log2_slots=255"),
        (1 << 36 | 5, "bad directory word: word=0x0000001000000005 segment=1 log2_slots=5"),
        (1 << 36 | 29, "bad directory word: word=0x000000100000001d segment=1 log2_slots=29"),
        (6, "bad directory word: word=0x0000000000000006 segment=0 log2_slots=6"),
        (
            1 << 36 | 257 << 8 | 6,
            f"table outside its segment: segment=1 end=1053184 segment_bytes={CATALOG_BYTES}",
        ),
        (
            1 << 36 | 1 << 8 | 28,
            f"table outside its segment: segment=1 end=2147487744 segment_bytes={CATALOG_BYTES}",
        ),
    ],
)
def test_a_scribbled_directory_is_a_protocol_error(made: HandMade, word: int, message: str) -> None:
    for index in range(layout.TABLES):
        made.set_directory(index, word)
    with pytest.raises(sealbuf.ProtocolError) as caught:
        made.reader().find(b"greeting", Deadline(None))
    assert caught.value.message == message


LENGTH = "record length does not add up: at=0"
PAYLOAD = "payload outside its segment:"
ROOM = layout.SLAB_BYTES


@pytest.mark.parametrize(
    ("offset", "code", "value", "message"),
    [
        (0, "<I", 0, f"{LENGTH} record_bytes=0 parts=97 room={ROOM}"),
        (0, "<I", 2**32 - 1, f"{LENGTH} record_bytes=4294967295 parts=97 room={ROOM}"),
        (60, "<B", 255, f"{LENGTH} record_bytes=97 parts=344 room={ROOM}"),
        (61, "<B", 255, f"{LENGTH} record_bytes=97 parts=4161 room={ROOM}"),
        (62, "<H", 65535, f"{LENGTH} record_bytes=97 parts=65631 room={ROOM}"),
        (64, "<H", 65535, f"{LENGTH} record_bytes=97 parts=65632 room={ROOM}"),
        (66, "<H", 65535, f"{LENGTH} record_bytes=97 parts=65632 room={ROOM}"),
        (32, "<Q", 2**64 - 64, f"{PAYLOAD} offset={2**64 - 64} nbytes=5 segment_bytes={ROOM}"),
        (32, "<Q", ROOM, f"{PAYLOAD} offset={ROOM} nbytes=5 segment_bytes={ROOM}"),
        (32, "<Q", 129, f"{PAYLOAD} offset=129 nbytes=5 segment_bytes={ROOM}"),
        (40, "<Q", 2**64 - 1, f"{PAYLOAD} offset=128 nbytes={2**64 - 1} segment_bytes={ROOM}"),
    ],
)
def test_a_scribbled_record_is_a_protocol_error(
    made: HandMade, offset: int, code: str, value: int, message: str
) -> None:
    at = made.put("greeting", b"hello")
    struct.pack_into(code, made.slab.memory, at + offset, value)
    with pytest.raises(sealbuf.ProtocolError) as caught:
        made.reader().find(b"greeting", Deadline(None))
    assert caught.value.message == message


def test_a_word_that_leads_out_of_its_slab_is_a_protocol_error(made: HandMade) -> None:
    made.store("greeting", made.word("greeting", layout.SLAB_BYTES - 64))
    with pytest.raises(sealbuf.ProtocolError) as caught:
        made.reader().find(b"greeting", Deadline(None))
    assert caught.value.message == "record outside its slab: at=2097088 slab_bytes=2097152"


def test_noise_in_place_of_the_catalog_never_ends_in_a_crash(made: HandMade) -> None:
    made.put("greeting", b"hello")
    reader = made.reader()
    noise = bytes(range(7, 256)) * 5000
    size = CATALOG_BYTES - layout.HEADER_BYTES
    made.catalog.memory[layout.HEADER_BYTES :] = noise[:size]
    made.slab.memory[:] = (noise + noise)[: layout.SLAB_BYTES]
    for number in range(2000):
        try:
            answer = reader.find(f"name {number}".encode(), Deadline(None))
        except (sealbuf.ProtocolError, KeyError):  # KeyError: a segment that nobody made
            continue
        assert answer in (Answer.ABSENT, Answer.ASK)


def test_text_in_a_record_that_is_not_utf_8_is_a_protocol_error(made: HandMade) -> None:
    at = made.put("greeting", b"hello")
    made.slab.memory[at + layout.RECORD.size + 16] = 0xFF
    with pytest.raises(sealbuf.ProtocolError) as caught:
        layout.read_record(made.slab.memory, at)
    assert caught.value.message == r"record is not UTF-8: at=0 bytes=b'\xffreeting'"
