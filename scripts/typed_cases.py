"""Prints protocol/typed.json: every format in every shape and order, one case a line.

Usage: typed_cases.py > protocol/typed.json
"""

import json
from collections.abc import Iterator
from math import prod

NATIVE = {"?": 1, "b": 1, "B": 1, "c": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 8, "L": 8, "q": 8,
          "Q": 8, "n": 8, "N": 8, "e": 2, "f": 4, "d": 8, "g": 16, "Zf": 8, "Zd": 16,
          "Zg": 32}  # fmt: skip
ORDERED = {"h": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "e": 2, "f": 4, "d": 8, "Zf": 8, "Zd": 16,
           "w": 4}  # fmt: skip
OTHERS = {
    "@d": 8,
    "=i": 4,
    "!H": 2,
    "5s": 5,
    "3w": 12,
    ">3w": 12,
    "7x": 7,
    "3h": 6,
    "(2,3)f": 24,
    "T{l:a:d:b:}": 16,
    "T{b:a:d:b:}": 16,
    "T{<i:a:<d:b:}": 12,
    "T{>i:id:>d:x:>e:y:}": 14,
    "T{B:r:B:g:B:b:}": 3,
    "T{b:a:xxxxxxxd:b:4s:c:xxxx}": 24,
    "T{=b:a:xxx=d:b:xx4s:c:xx}": 20,
    "T{T{h:x:h:y:}:p:(2,3)f:m:}": 28,
    "T{i:größe:?:ok:3w:name:}": 20,
}
TYPESTRS = ("<M8", "<M8[ns]", "<M8[25s]", ">M8[D]", "<m8[us]", ">m8[h]")
SHAPES: tuple[tuple[int, ...], ...] = (
    (), (0,), (1,), (5,), (33,), (2, 3), (3, 1), (1, 4), (2, 0, 3), (0, 3), (2, 3, 4), (1, 1, 1),
    (2, 1, 3, 1, 2), (3, 2, 2, 2), (7, 5), (1,) * 63 + (2,),
)  # fmt: skip


def items() -> Iterator[tuple[str, str | None, int]]:
    """Format, typestr and size of an item."""
    for format_, size in NATIVE.items():
        yield format_, None, size
    for mark in "<>":
        for format_, size in ORDERED.items():
            yield mark + format_, None, size
    for format_, size in OTHERS.items():
        yield format_, None, size
    for typestr in TYPESTRS:
        yield typestr[0] + "q", typestr, 8


def cases() -> Iterator[dict[str, object]]:
    for format_, typestr, size in items():
        for shape in SHAPES:
            for order in "CF" if len(shape) > 1 else "C":
                case: dict[str, object] = {"format": format_}
                if typestr is not None:
                    case["typestr"] = typestr
                case["itemsize"], case["shape"], case["order"] = size, shape, order
                case["nbytes"] = prod(shape) * size
                yield case


def text() -> str:
    numbered = ({"seed": f"typed/{n}", **case} for n, case in enumerate(cases()))
    lines = (json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in numbered)
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    print(text(), end="")
