"""Typed buffers: the cases of `protocol/typed.json`, and Buffers that no daemon published."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from helpers.tables import PROTOCOL
from sealbuf import Buffer
from sealbuf._buffer import record_of
from sealbuf._description import Description, described
from sealbuf._source import Content, Source

TYPED = PROTOCOL / "typed.json"


@dataclass(frozen=True)
class Case:
    """One line of the file."""

    seed: str
    format: str
    itemsize: int
    shape: tuple[int, ...]
    order: str
    nbytes: int
    typestr: str = ""

    @property
    def description(self) -> Description:
        return described(
            self.format,
            self.itemsize,
            self.shape,
            fortran=self.order == "F",
            typestr=self.typestr,
        )

    @property
    def content(self) -> bytes:
        return content(self.seed, self.nbytes)

    @property
    def source(self) -> Source:
        return Source(memoryview(self.content), self.description)


@cache
def cases() -> list[Case]:
    return list(read(TYPED.read_text(encoding="utf-8")))


def read(text: str) -> Iterator[Case]:
    for fields in json.loads(text):
        yield Case(**fields | {"shape": tuple(fields["shape"])})


def content(seed: str, nbytes: int) -> bytes:
    blocks = (hashlib.sha256(f"{seed}:{i}".encode()).digest() for i in range(-(-nbytes // 32)))
    return b"".join(blocks)[:nbytes]


def unpublished(source: Content, name: str = "x") -> Buffer:
    """A Buffer over private memory, for what does not depend on how it was published."""
    told = {"name": name, "buffer": 1, "version": 1, "created": 1_790_000_000_000_000}
    flat = memoryview(source.flat.tobytes())
    place = (0, 0, flat.nbytes)
    return Buffer(flat, record_of(told, place, 10001, source.description, source.metadata), 0)
