"""Descriptions by themselves: strides, fewer items, NumPy's interface, and records that lie."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sealbuf
from helpers.segments import flat
from helpers.typed import cases
from sealbuf._description import Description, c_strides, described, f_strides
from sealbuf._limits import FORMAT_MAX, TYPESTR_MAX
from sealbuf._views import Shown

SHAPES = st.lists(st.integers(0, 5), max_size=6).map(tuple)


@given(SHAPES, st.sampled_from([1, 2, 7, 8, 16]))
def test_strides_are_those_of_numpy(shape: tuple[int, ...], itemsize: int) -> None:
    memory = bytes(int(np.prod(shape)) * itemsize)
    dtype = f"V{itemsize}"
    assert c_strides(shape, itemsize) == np.ndarray(shape, dtype, memory).strides
    assert f_strides(shape, itemsize) == np.ndarray(shape, dtype, memory, order="F").strides


def test_a_record_gives_back_what_it_was_told() -> None:
    for case in cases():
        told = case.description
        record = flat("x", case.nbytes, offset=0)._replace(
            format=told.format, shape=told.shape, strides=told.strides, typestr=told.typestr
        )
        found = Description.of_record(record)
        if case.nbytes or case.shape:
            assert found == told
        assert found.interface(64, readonly=True) == told.interface(64, readonly=True)


@pytest.mark.parametrize(
    "lie",
    [
        {"shape": (4,)},
        {"shape": (2, 3), "strides": (24, 16)},
        {"shape": (2, 3), "strides": (8, 8)},
        {"shape": (-2, -3), "strides": (24, 8)},
        {"shape": (3,), "strides": (-16,)},
        {"shape": (0,), "strides": (16,)},
        {"shape": (2, 3), "strides": (0, 0)},
    ],
)
def test_a_record_that_does_not_fit_its_buffer_is_a_protocol_error(lie: Any) -> None:
    record = flat("x", 48, offset=0)._replace(format="d", shape=(6,), strides=(8,))
    assert Description.of_record(record) == described("d", 8, (6,))
    lying = record._replace(**lie)
    with pytest.raises(sealbuf.ProtocolError) as caught:
        Description.of_record(lying)
    assert caught.value.message == (
        f"description of another buffer: format='d' shape={lying.shape} strides={lying.strides} "
        f"nbytes=48"
    )


def test_fewer_bytes_are_fewer_items_along_the_first_axis() -> None:
    rows = described("d", 8, (4, 3))
    assert rows.first(48) == described("d", 8, (2, 3))
    assert rows.first(0) == described("d", 8, (0, 3))
    assert rows.first(96) == rows
    assert Description.of_bytes(10).first(3) == Description.of_bytes(3)
    assert described(">d", 8, (4,)).first(16) == described(">d", 8, (2,))
    columns = described("d", 8, (4, 3), fortran=True)
    assert columns.first(96) == columns


RULE = "a shorter buffer has fewer items along its first axis, in C order"


@pytest.mark.parametrize(
    ("description", "nbytes", "multiple"),
    [
        (described("d", 8, (4, 3)), 50, 24),
        (described("d", 8, (4, 3), fortran=True), 48, 96),
        (described("d", 8, (4, 3), fortran=True), 0, 96),
        (described("d", 8, ()), 4, 8),
        (described("d", 8, ()), 0, 8),
    ],
)
def test_other_lengths_are_refused(description: Description, nbytes: int, multiple: int) -> None:
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        description.first(nbytes)
    assert caught.value.message == f"{RULE}: nbytes={nbytes} multiple_of={multiple}"


@pytest.mark.parametrize(
    ("format_", "typestr", "message"),
    [
        (
            "T{" + "i" * (FORMAT_MAX - 2) + "}",
            "",
            f"format too long: bytes={FORMAT_MAX + 1} max={FORMAT_MAX}",
        ),
        ("q", "x" * (TYPESTR_MAX + 1), "typestr too long: bytes=33 max=32"),
    ],
)
def test_what_is_longer_than_its_limit_is_refused(format_: str, typestr: str, message: str) -> None:
    size = 4 * (FORMAT_MAX - 2) if format_ != "q" else 8
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        described(format_, size, (1,), typestr=typestr)
    assert caught.value.message == message
    if format_ != "q":
        assert described(format_.replace("ii", "i", 1), size - 4, (1,)).itemsize == size - 4


def test_bytes_need_no_fields() -> None:
    assert Description.of_bytes(5).fields == {}
    assert described("b", 1, (5,)).fields == {"format": "b", "shape": (5,), "strides": (1,)}
    assert described("B", 1, ()).fields == {"format": "B", "shape": (), "strides": ()}


def test_bytes_that_are_not_those_described_are_a_protocol_error() -> None:
    with pytest.raises(sealbuf.ProtocolError) as caught:
        Shown(memoryview(bytes(40)), described("d", 8, (6,)))
    assert caught.value.message == "description of other bytes: nbytes=40 described=48"
