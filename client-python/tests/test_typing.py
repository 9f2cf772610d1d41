"""What a type checker knows of a Buffer: mypy reads this file, and each method is called in it."""

import ast
import inspect
from typing import TYPE_CHECKING, assert_type

import sealbuf
from sealbuf._like_bytes import LikeBytes, OfView

if TYPE_CHECKING:
    Parts = list[sealbuf.Buffer]
    Three = tuple[sealbuf.Buffer, sealbuf.Buffer, sealbuf.Buffer]


def checked(b: sealbuf.Buffer) -> None:
    """Never called; mypy fails where a type is another one, or an argument could not be."""
    assert_type(b.find(b"x", 1, 2), int)
    assert_type(b.rfind(b"x"), int)
    assert_type(b.index(120), int)
    assert_type(b.rindex(b"x"), int)
    assert_type(b.count(b"x"), int)
    assert_type(b.startswith((b"x", b"y")), bool)
    assert_type(b.endswith(b"x"), bool)
    assert_type(b.isalnum() or b.isalpha() or b.isascii() or b.isdigit(), bool)
    assert_type(b.islower() or b.isspace() or b.istitle() or b.isupper(), bool)
    assert_type(b.split(b",", maxsplit=1), "Parts")
    assert_type(b.rsplit(None, 1), "Parts")
    assert_type(b.splitlines(keepends=True), "Parts")
    assert_type(b.partition(b","), "Three")
    assert_type(b.rpartition(b","), "Three")
    assert_type(b.strip().lstrip(b" ").rstrip(), sealbuf.Buffer)
    assert_type(b.removeprefix(b"x").removesuffix(b"y"), sealbuf.Buffer)
    assert_type(b.decode("utf-8", errors="ignore"), str)
    assert_type(b.join([b"x"]), bytes)
    assert_type(b.capitalize() or b.lower() or b.swapcase() or b.title() or b.upper(), bytes)
    assert_type(b.center(3, b" ") or b.ljust(3) or b.rjust(3) or b.zfill(3), bytes)
    assert_type(b.expandtabs(tabsize=4) or b.replace(b"x", b"y", 1), bytes)
    assert_type(b.translate(None, delete=b"x"), bytes)
    assert_type(b.hex("-", 2), str)
    assert_type(b.tobytes(), bytes)
    assert_type(b.ndim, int)
    assert_type(b.contiguous and b.c_contiguous and b.f_contiguous, bool)
    assert_type(b.suboffsets, tuple[int, ...])
    assert_type(b.cast("H"), memoryview)
    assert_type(b.toreadonly(), memoryview)
    assert_type(b < b"x" or b >= bytearray(), bool)
    b.tolist()
    b.find("text")  # type: ignore[arg-type]
    b.split(maxsplit="1")  # type: ignore[arg-type]
    b.upper(1)  # type: ignore[call-arg]


def test_each_method_that_forwards_is_checked() -> None:
    called = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(checked)))
        if isinstance(node, ast.Attribute)
    }
    assert {name for name, row in vars(LikeBytes).items() if isinstance(row, OfView)} <= called
