"""The golden vectors: bytes, and beside them what they mean."""

import re
from dataclasses import dataclass
from pathlib import Path

from helpers.tables import PROTOCOL

VECTORS = PROTOCOL / "vectors"


@dataclass(frozen=True)
class Line:
    data: bytes
    field: str
    value: str


def frames() -> list[str]:
    return sorted(path.stem for path in VECTORS.glob("frame-*.hex"))


def lines(name: str) -> list[Line]:
    found = []
    for line in (VECTORS / f"{name}.hex").read_text().splitlines():
        if match := re.fullmatch(r"(?!##)([0-9a-f ]*|-)  # ([\w]+)(?:(?: =)? (.*))?", line):
            digits, field, value = match.groups()
            data = b"" if digits == "-" else bytes.fromhex(digits)
            found.append(Line(data, field, value or ""))
        elif not line.startswith("##"):
            raise AssertionError(f"not a line of a vector: file={Path(name)} line={line!r}")
    return found


def fields(name: str) -> dict[str, Line]:
    return {line.field: line for line in lines(name)}


def whole(name: str) -> bytes:
    return b"".join(line.data for line in lines(name))
