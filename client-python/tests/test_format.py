"""Formats: their sizes, the types that NumPy makes of them, and what is refused."""

import numpy as np
import pytest
from numpy.lib import recfunctions

import sealbuf
from helpers.tables import PROTOCOL
from helpers.typed import cases
from sealbuf._format import parse
from sealbuf._memory import unowned_view

FORMATS = (
    PROTOCOL.parent / "client-java/src/test/resources/dev/sealbuf/protocol/formats.tsv"
).read_text(encoding="utf-8")
"""What the daemon's parser is tested with: who says so, the size, the format."""


def numpy_reads(format_: str) -> "np.dtype[np.void]":
    """What NumPy makes of a memoryview of no items of that format."""
    encoded = format_.encode()
    memory = bytes(parse(format_).size)
    view = unowned_view(memoryview(memory), encoded, len(memory), (), ())
    dtype: np.dtype[np.void] = np.asarray(view).dtype
    return dtype


@pytest.mark.parametrize("format_", sorted({case.format for case in cases()} - {"n", "N"}))
def test_a_type_is_what_numpy_makes_of_the_format(format_: str) -> None:
    item = parse(format_)
    assert np.dtype(item.dtype).base == numpy_reads(format_).base
    assert np.dtype(item.dtype).itemsize == item.size


def test_types_that_numpy_does_not_read_have_the_machine_size() -> None:
    assert [parse(code).dtype for code in ("n", "N")] == ["<i8", "<u8"]
    assert (parse("u").size, parse("3u").dtype, parse("4p").size) == (2, "|V6", 4)


def test_sizes_are_those_that_the_daemon_counts() -> None:
    for line in FORMATS.splitlines():
        source, size, format_ = line.split("\t", 2)
        item = parse(format_)
        counted = {"packed": item.packed, "struct": item.unpadded}.get(source, item.size)
        assert counted == int(size), line


def test_structures_that_numpy_describes_come_back() -> None:
    for line in FORMATS.splitlines():
        source, _, format_ = line.split("\t", 2)
        if source == "numpy":
            assert np.dtype(parse(format_).dtype) == numpy_reads(format_), line


def test_alignment_is_that_of_the_compiler() -> None:
    fields = [("a", "i1"), ("b", "f8"), ("c", "i2"), ("d", "f4", (3,))]
    packed = np.dtype(fields)
    aligned = recfunctions.repack_fields(packed, align=True)
    assert np.dtype(parse("T{b:a:d:b:h:c:(3)f:d:}").dtype) == aligned
    assert parse("T{b:a:d:b:h:c:(3)f:d:}").packed == packed.itemsize
    assert (parse("db").size, parse("db").unpadded, parse("db").packed) == (16, 9, 9)


def test_a_space_may_follow_an_order_and_the_last_order_counts() -> None:
    assert parse("< i") == parse("<i")
    assert parse("T{^ 2w:a: !h:b:}") == parse("T{^2w:a:!h:b:}")
    assert parse("!^L") == parse("^L")


POINTERS = (
    "format has pointers, which mean nothing to other processes; "
    "put numbers, or what pickle.dumps returns"
)


@pytest.mark.parametrize(
    ("format_", "rule", "at"),
    [
        ("", "format is empty", 0),
        ("  ", "format is empty", 0),
        ("O", POINTERS, 0),
        ("P", POINTERS, 0),
        ("&<i", POINTERS, 0),
        ("X{}", POINTERS, 0),
        ("T{i:a:O:b:}", POINTERS, 6),
        ("z", "format is not one of PEP 3118", 0),
        ("Zq", "format is not one of PEP 3118", 0),
        ("5", "format is not one of PEP 3118", 1),
        ("i}", "format is not one of PEP 3118", 1),
        ("<n", "format has a type that only native formats know", 1),
        ("T{i", "format has a structure without an end", 3),
        ("T{i:a", "format has no ':' where one is due", 4),
        ("(2,3d", "format has no ')' where one is due", 1),
        ("(two)d", "format has a sub-array whose shape is not made of integers", 5),
        ("T{" * 17 + "i" + "}" * 17, "format is nested too deep", 34),
    ],
)
def test_what_is_no_format_is_refused(format_: str, rule: str, at: int) -> None:
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        parse(format_)
    assert caught.value.message == f"{rule}: format={format_!r} at={at}"
