"""What may be put, what it becomes, and what is refused."""

import ctypes
import sys
from array import array
from collections.abc import Iterator
from typing import Any
from unicodedata import category

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import sealbuf
from helpers.typed import unpublished
from sealbuf._limits import METADATA_MAX
from sealbuf._source import Source, metadata_of

RNG = np.random.default_rng(4)


def random(shape: tuple[int, ...], dtype: str) -> "np.ndarray[Any, Any]":
    kind = np.dtype(dtype)
    drawn = np.empty(shape, kind)
    drawn.reshape(-1).view("V1")[:] = np.frombuffer(RNG.bytes(drawn.nbytes), "V1")
    return drawn


STRUCTURE = "i4,(2,3)f8,S5,U2,?,c8"
ARRAYS = {
    "0 axes": np.array(1.5),
    "no items": np.empty(0, "f4"),
    "an empty axis": np.empty((2, 0, 3), "i2"),
    "64 axes": np.arange(2.0).reshape((1,) * 63 + (2,)),
    "Fortran order": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "a row": np.ones((1, 4)),
    "a column in Fortran order": np.asfortranarray(np.ones((3, 1))),
    "big-endian": np.arange(6, dtype=">i4").reshape(2, 3),
    "float16": np.arange(6, dtype="f2").reshape(2, 3),
    "longdouble": np.arange(6, dtype="g"),
    "complex": np.arange(6, dtype="c16") * 1j,
    "bool": np.array([True, False, True]),
    "U": np.array(["ab", "λ", ""]),
    "S": np.array([b"ab", b"c"]),
    "V": np.frombuffer(b"abcdef", "V3"),
    "datetime64": np.array(["2026-11-27", "NaT"], "M8[ns]"),
    "big-endian datetime64": np.array(["2026-11-27"], ">M8[D]"),
    "datetime64 of 25 seconds": np.arange(4).astype("M8[25s]").reshape(2, 2),
    "datetime64 in Fortran order": np.asfortranarray(np.arange(6).astype("M8[s]").reshape(2, 3)),
    "timedelta64": np.arange(3).astype("m8[us]"),
    "a structure": np.zeros((2, 3), STRUCTURE),
    "an aligned structure": np.zeros(3, np.dtype("i1,f8,i2", align=True)),
    "a structure with a hole": np.zeros(
        2, {"names": ["a", "b"], "formats": ["i1", "<f8"], "offsets": [3, 12], "itemsize": 24}
    ),
    "a nested structure": np.zeros(2, [("p", [("x", "<i2"), ("ä", ">i4")], (2,)), ("q", "?")]),
    "a memory map's class": np.arange(3).view(np.recarray),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_an_array_comes_back_as_it_was(what: str) -> None:
    given_ = ARRAYS[what]
    buffer = unpublished(Source.of(given_))
    found = np.asarray(buffer)
    hollow = given_.dtype.kind == "V" and not given_.dtype.names
    assert found.dtype.itemsize == given_.dtype.itemsize
    assert hollow or found.dtype == given_.dtype
    assert found.shape == given_.shape
    assert found.size == 0 or found.strides == given_.strides
    assert found.tobytes() == buffer.to_bytes() == given_.tobytes()
    assert found.size == 0 or found.ctypes.data == buffer.address
    assert not found.flags.writeable


SLICED = {
    "every second": np.arange(20.0)[::2],
    "backwards": np.arange(5)[::-1],
    "a window": np.arange(20).reshape(4, 5)[1:3, 1:4],
    "turned": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "repeated": np.broadcast_to(np.arange(3, dtype="i2"), (4, 3)),
    "one field": np.zeros(4, "i4,f8")["f1"],
    "dates": np.arange(10).astype("M8[D]")[::3],
}


@pytest.mark.parametrize("what", SLICED)
def test_what_does_not_lie_in_one_run_is_copied_to_c_order(what: str) -> None:
    given_ = SLICED[what]
    source = Source.of(given_)
    found = np.asarray(unpublished(source))
    expected = np.ascontiguousarray(given_)
    assert isinstance(source, Source)
    assert source.owner is None
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert (found.strides, found.tobytes()) == (expected.strides, expected.tobytes())


@pytest.mark.parametrize("what", ["Fortran order", "an aligned structure", "datetime64", "U"])
def test_what_lies_in_one_run_is_not_copied(what: str) -> None:
    given_ = ARRAYS[what]
    source = Source.of(given_)
    assert np.frombuffer(source.flat, "u1").ctypes.data == given_.ctypes.data


class Pair(ctypes.Structure):
    _fields_ = (("a", ctypes.c_int8), ("b", ctypes.c_double))


@pytest.mark.parametrize(
    ("data", "format_", "shape"),
    [
        (b"abc", "B", (3,)),
        (b"", "B", (0,)),
        (bytearray(b"ab"), "B", (2,)),
        (array("d", [1, 2]), "d", (2,)),
        (memoryview(b"abcd").cast("b"), "b", (4,)),
        (memoryview(b"abcd").cast("c"), "c", (4,)),
        (memoryview(bytes(24)).cast("i", (2, 3)), "i", (2, 3)),
        (memoryview(b"abcdef")[::2], "B", (3,)),
        (memoryview(bytes(8)).cast("d", ()), "d", ()),
        ((ctypes.c_float * 3 * 2)(), "<f", (2, 3)),
        (np.float32(1), "f", ()),
        (np.datetime64("2026-11-27"), "<q", ()),
    ],
)
def test_an_exporter_keeps_its_format_and_shape(
    data: Any, format_: str, shape: tuple[int, ...]
) -> None:
    buffer = unpublished(Source.of(data))
    assert (buffer.format, buffer.shape) == (format_, shape)
    expected = data.view("i8") if isinstance(data, np.datetime64) else data
    assert buffer.to_bytes() == memoryview(expected).tobytes()


def test_a_structure_of_ctypes_is_kept_where_its_format_is_whole() -> None:
    if sys.version_info >= (3, 12):
        assert unpublished(Source.of(Pair(1, 2))).format == "T{<b:a:7x<d:b:}"
        return
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        Source.of(Pair(1, 2))
    assert caught.value.message == (
        "format says another size than its items have; put its bytes: "
        "format='T{<b:a:<d:b:}' says=9 itemsize=16"
    )


@pytest.mark.parametrize("what", ["datetime64", "Fortran order", "big-endian", "0 axes"])
def test_a_buffer_is_put_as_it_is(what: str) -> None:
    first = unpublished(Source.of(ARRAYS[what], b"first's own"))
    source = Source.of(first)
    assert source.metadata == b""
    assert unpublished(source) == first
    assert (source.description, source.flat) == (first._description, first._view())


class Union(ctypes.Union):
    _fields_ = (("a", ctypes.c_int8), ("b", ctypes.c_double))


def test_a_name_that_no_format_can_say_is_refused() -> None:
    given_: Any = np.zeros((), [("a\nb", "i4")])
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        Source.of(given_)
    assert caught.value.message == "no format can say this name of a field: field='a\\nb'"


POINTERS = "format has pointers, which mean nothing to other processes; "
POINTERS += "put numbers, or what pickle.dumps returns"
NO_FORMAT = "NumPy has no buffer format for this dtype; view it as one that has, or convert it"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.array([{}]), f"{POINTERS}: format='O' at=0"),
        (np.zeros(1, [("a", "i4"), ("b", "O")]), f"{POINTERS}: format='T{{i:a:O:b:}}' at=6"),
        (ctypes.pointer(ctypes.c_int(5)), f"{POINTERS}: format='&<i' at=0"),
        (ctypes.c_void_p(5), f"{POINTERS}: format='<P' at=1"),
        (
            np.ma.masked_array([1, 2], mask=[True, False]),
            "a masked array would lose its mask; put its data and its mask, or filled(): "
            "type=MaskedArray",
        ),
        (
            np.zeros(1, [("t", "M8[s]"), ("x", "f8")]),
            f"{NO_FORMAT}: dtype=[('t', '<M8[s]'), ('x', '<f8')]",
        ),
        (np.array(["text"], "T"), f"{NO_FORMAT}: dtype=StringDType()"),
        (
            Union(),
            "format says another size than its items have; put its bytes: "
            "format='B' says=1 itemsize=8",
        ),
        (np.zeros(3, "V0"), "items have no bytes: format='0x' shape=(3,)"),
    ],
)
def test_items_that_mean_nothing_elsewhere_are_refused(data: Any, message: str) -> None:
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        Source.of(data)
    assert caught.value.message == message


@pytest.mark.parametrize("data", ["text", 5, [1, 2], None, object()])
def test_what_has_no_buffer_is_a_type_error(data: Any) -> None:
    with pytest.raises(TypeError) as caught:
        Source.of(data)
    name = type(data).__name__
    assert str(caught.value) == f"memoryview: a bytes-like object is required, not '{name}'"


def test_a_released_view_is_refused_as_python_refuses_it() -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(ValueError, match="operation forbidden on released memoryview object"):
        Source.of(view)


def test_metadata_is_a_copy_of_bytes() -> None:
    assert metadata_of(None) == metadata_of(b"") == b""
    assert metadata_of(bytearray(b"ab")) == b"ab"
    assert metadata_of(memoryview(b"abcd")[::2]) == b"ac"
    assert metadata_of(unpublished(Source.of(b"ab"))) == b"ab"
    assert len(metadata_of(bytes(METADATA_MAX))) == METADATA_MAX
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        metadata_of(bytes(METADATA_MAX + 1))
    assert caught.value.message == "metadata too long: bytes=65536 max=65535"
    for wrong in ("text", 5):
        with pytest.raises(TypeError, match="a bytes-like object is required"):
            metadata_of(wrong)  # type: ignore[arg-type]


SCALARS = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?"),
    arrays.complex_number_dtypes(endianness="?"),
    arrays.byte_string_dtypes(min_len=1),
    arrays.unicode_string_dtypes(min_len=1, endianness="?"),
)
TIMES = st.one_of(arrays.datetime64_dtypes(endianness="?"), arrays.timedelta64_dtypes())
DTYPES = st.one_of(SCALARS, TIMES, arrays.nested_dtypes(SCALARS, max_itemsize=200))
SHAPES = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
LAYOUTS = ["C", "F", "sliced", "transposed"]


@pytest.mark.parametrize(
    ("types", "numpy", "format_"),
    [
        (ARRAYS["a structure with a hole"].dtype, "T{xxxb:a:xxxxxxxx=d:b:}",
         "^T{3x^b:a:8x^d:b:4x}"),
        ([("a", "f8"), ("b", "u1")], "T{d:a:B:b:}", "^T{^d:a:^B:b:}"),
        ([("p", [("a", ">i8"), ("b", "?")], (2,)), ("c", "U2")], "T{(2)T{>q:a:?:b:}:p:=2w:c:}",
         "T{(2)T{>q:a:?:b:}:p:=2w:c:}"),
    ],
)  # fmt: skip
def test_a_structure_has_a_format_that_numpy_can_read(types: Any, numpy: str, format_: str) -> None:
    given_: Any = np.zeros((), np.dtype(types))
    assert memoryview(given_).format == numpy
    buffer = unpublished(Source.of(given_))
    assert buffer.format == format_
    assert np.asarray(buffer).dtype == given_.dtype


@settings(max_examples=150, deadline=None)
@given(DTYPES, SHAPES, st.sampled_from(LAYOUTS), st.randoms(use_true_random=False))
def test_any_array_comes_back(
    dtype: "np.dtype[Any]", shape: tuple[int, ...], layout: str, rnd: Any
) -> None:
    base, axes = dtype.base, shape + dtype.shape
    assume(base.itemsize and all(map(sayable, fields(base))))
    size = base.itemsize * int(np.prod(axes))
    array_ = np.ndarray(
        axes, base, bytearray(rnd.randbytes(size)), order="F" if layout == "F" else "C"
    )
    if layout == "sliced" and array_.ndim:
        array_ = array_[::2]
    if layout == "transposed":
        array_ = array_.T
    buffer = unpublished(Source.of(array_))
    found = np.asarray(buffer)
    assert (found.dtype, found.shape) == (array_.dtype, array_.shape)
    assert buffer.to_bytes() == tobytes(array_)
    if array_.flags.c_contiguous or array_.flags.f_contiguous:
        assert normal(found) == normal(array_)


def tobytes(array_: "np.ndarray[Any, Any]") -> bytes:
    """In C order, padding of structures included, which NumPy's own copies leave out."""
    view: Any = array_.view("i8") if array_.dtype.kind in "mM" else array_
    return memoryview(view).tobytes()


def fields(dtype: "np.dtype[Any]") -> Iterator[tuple[str, tuple[Any, ...]]]:
    for name, field in (dtype.base.fields or {}).items():
        yield name, field
        yield from fields(field[0])


def sayable(field: tuple[str, tuple[Any, ...]]) -> bool:
    """Whether a format can say the name of a field, and it has not two."""
    name, (_, _, *title) = field
    return not title and ":" not in name and not any(category(c)[0] == "C" for c in name)


def normal(array_: "np.ndarray[Any, Any]") -> tuple[int, ...]:
    """Strides without those that mean nothing: there is no second item along their axis."""
    if array_.size == 0:
        return ()
    return tuple(step for step, axis in zip(array_.strides, array_.shape, strict=True) if axis > 1)


if sys.version_info >= (3, 12):

    def test_a_python_class_with_the_buffer_protocol_is_put() -> None:
        class Mine:
            def __buffer__(self, _flags: int) -> memoryview:
                return memoryview(b"mine")

        assert unpublished(Source.of(Mine())) == b"mine"
