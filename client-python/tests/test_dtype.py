"""What `create` is asked for, with NumPy and without."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import sealbuf
from sealbuf._description import Description, described
from sealbuf._dtype import _NAMES, by_name, items_of, planned

NAMES = [
    *_NAMES, "b1", "i1", "<i2", ">i4", "=i8", "u1", "|u1", ">u8", "f2", ">f2", "<f8", "c8", ">c16",
    "datetime64[ns]", "<M8[us]", ">M8[D]", "m8[25s]", "timedelta64[h]", "M8",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_known_without_numpy_means_what_it_means_to_numpy(name: str) -> None:
    known = by_name(name)
    assert known is not None
    assert known == items_of(np.dtype(name))
    sample: Any = np.empty(0, name)
    if not known.typestr:
        assert known.format == memoryview(sample).format


@pytest.mark.parametrize("name", ["object", "S5", "U3", "f4,i2", "datetime64[1s]", "float", "b8"])
def test_other_names_are_left_to_numpy(name: str) -> None:
    assert by_name(name) is None


@pytest.mark.parametrize(
    ("dtype", "format_", "size", "axes", "typestr"),
    [
        (float, "d", 8, (), ""),
        (np.int16, "h", 2, (), ""),
        ("S5", "5s", 5, (), ""),
        (np.dtype(">U3"), ">3w", 12, (), ""),
        (("f4", (2, 3)), "f", 4, (2, 3), ""),
        ([("a", "u1"), ("b", "f8")], "T{B:a:=d:b:}", 9, (), ""),
        ("M8[1s]", "<q", 8, (), "<M8[s]"),
    ],
)
def test_with_numpy_it_is_anything_that_numpy_accepts(
    dtype: Any, format_: str, size: int, axes: tuple[int, ...], typestr: str
) -> None:
    found = items_of(dtype)
    assert (found.size, found.axes, found.typestr) == (size, axes, typestr)
    assert np.dtype(described(found.format, size, ()).interface(0, readonly=True).get(
        "descr", "V1")) == np.dtype(dtype) or found.format == format_  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"nbytes": 5}, Description.of_bytes(5)),
        ({"nbytes": np.int64(0)}, Description.of_bytes(0)),
        ({"shape": 5, "dtype": "uint8"}, Description.of_bytes(5)),
        ({"shape": [2, 3], "dtype": "f4"}, Description("f", 4, (2, 3), (12, 4))),
        ({"shape": (2, 3), "dtype": "f4", "order": "F"}, Description("f", 4, (2, 3), (4, 8))),
        ({"shape": (), "dtype": "f8"}, Description("d", 8, (), ())),
        ({"shape": (2, 0), "dtype": ">i4"}, Description(">i", 4, (2, 0), (4, 4))),
        ({"shape": np.array([2, 3]), "dtype": "b1"}, Description("?", 1, (2, 3), (3, 1))),
        ({"shape": 2, "dtype": "M8[s]"}, Description("<q", 8, (2,), (8,), "<M8[s]")),
    ],
)
def test_room_is_asked_for_in_bytes_or_in_items(asked: Any, expected: Description) -> None:
    arguments = {"nbytes": None, "shape": None, "dtype": None, "order": "C"} | asked
    assert planned(**arguments) == expected


WAYS = "either nbytes, or shape and dtype"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, f"{WAYS}: nbytes=None shape=None dtype=None"),
        ({"shape": 5}, f"{WAYS}: nbytes=None shape=5 dtype=None"),
        ({"dtype": "f8"}, f"{WAYS}: nbytes=None shape=None dtype='f8'"),
        ({"nbytes": 8, "dtype": "f8"}, f"{WAYS}: nbytes=8 shape=None dtype='f8'"),
        ({"nbytes": 8, "shape": 1, "dtype": "f8"}, f"{WAYS}: nbytes=8 shape=1 dtype='f8'"),
        ({"nbytes": 8, "order": "A"}, "order is neither C nor F: order='A'"),
        ({"nbytes": -1}, "size out of bounds: nbytes=-1 min=0 max=9007199254740991"),
        ({"shape": (2, -1), "dtype": "f8"}, "an axis is below 0: shape=(2, -1)"),
        ({"shape": (1,) * 65, "dtype": "f8"}, "too many axes: ndim=65 max=64"),
        (
            {"shape": 2**50, "dtype": "f8"},
            f"too many bytes: shape=({2**50},) itemsize=8 max=9007199254740991",
        ),
        (
            {"shape": (0, 2**50), "dtype": "f8"},
            f"too many bytes: shape=(0, {2**50}) itemsize=8 max=9007199254740991",
        ),
        (
            {"shape": 1, "dtype": "O"},
            "format has pointers, which mean nothing to other processes; put numbers, or what "
            "pickle.dumps returns: format='O' at=0",
        ),
        (
            {"shape": 1, "dtype": "nonsense"},
            "no such dtype: dtype='nonsense' numpy=data type 'nonsense' not understood",
        ),
    ],
)
def test_what_cannot_be_is_refused(asked: Any, message: str) -> None:
    arguments = {"nbytes": None, "shape": None, "dtype": None, "order": "C"} | asked
    with pytest.raises(sealbuf.InvalidRequest) as caught:
        planned(**arguments)
    assert caught.value.message == message


def test_without_numpy_the_usual_names_are_known() -> None:
    program = """
import sys
sys.modules["numpy"] = None
import sealbuf
from sealbuf._dtype import planned
print(planned(None, (2, 3), "float32", "C").format)
try:
    planned(None, 1, "S5", "C")
except sealbuf.InvalidRequest as error:
    print(error.message)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == [
        "f",
        "a dtype that is not known without NumPy; install it or use one of bool, int8, int16, "
        "int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64, complex64, "
        "complex128, datetime64, timedelta64: dtype='S5'",
    ]


def test_numpy_is_not_imported_for_what_is_not_its_own() -> None:
    program = """
import sys, array
from sealbuf._dtype import planned
from sealbuf._source import Source
Source.of(array.array("d", [1, 2]))
planned(None, (2, 3), "datetime64[ns]", "F")
print("numpy" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
