"""Segments made by hand, as the daemon makes them: sealed memfds, a catalog and its slab.

The descriptors that come out are fresh read-only descriptions, like those that the daemon sends.
The memfd itself stays open for the test to scribble on, which only its creator can do.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from zlib import crc32

from sealbuf import _layout as layout
from sealbuf._catalog import CatalogReader
from sealbuf._deadline import Deadline
from sealbuf._layout import Record, Table
from sealbuf._memory import SHARED_SEALS, Mapping

CATALOG, SLAB = 1, 2
LOG2_SLOTS = 6
TABLE_BYTES = layout.WORD_BYTES << LOG2_SLOTS
CATALOG_BYTES = layout.HEADER_BYTES + layout.TABLES * layout.PAGE_BYTES
DAEMON = 0xC0FFEE
OWNER = 4711


class Memfd:
    """A segment and its writable mapping."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, nbytes)
        self.memory = mmap.mmap(self.fd, nbytes)

    def seal(self, seals: int) -> None:
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, seals)

    def open(self, flags: int = os.O_RDONLY) -> int:
        """A new description, as `open("/proc/self/fd/N")` gives it."""
        return os.open(f"/proc/self/fd/{self.fd}", flags | os.O_CLOEXEC)

    def unmap(self) -> None:
        self.memory.close()

    def close(self) -> None:
        self.memory.close()
        os.close(self.fd)


@contextmanager
def memfd(nbytes: int, seals: int = 0) -> Iterator[Memfd]:
    segment = Memfd(nbytes)
    try:
        if seals:
            segment.seal(seals)
        yield segment
    finally:
        segment.close()


def flat(name: str, nbytes: int, *, offset: int, segment: int = 0, version: int = 1) -> Record:
    created = 1_790_000_000_000_000
    place = (segment, offset, nbytes)
    return Record(name, version, version, place, created, 20001, "B", (nbytes,), (1,), "", b"", 0)


@dataclass
class HandMade:
    """A catalog of one slab. `maps` counts how often a segment was asked for."""

    catalog: Memfd
    slab: Memfd
    maps: list[int] = field(default_factory=list)
    end: int = 0

    def reader(self) -> CatalogReader:
        fd = self.catalog.open()
        try:
            return CatalogReader(CATALOG, Mapping.shared(fd, CATALOG_BYTES), self.map)
        finally:
            os.close(fd)

    def map(self, number: int, _deadline: Deadline | None = None) -> Mapping:
        self.maps.append(number)
        segment = {CATALOG: self.catalog, SLAB: self.slab}[number]
        fd = segment.open()
        try:
            return Mapping.shared(fd, segment.nbytes)
        finally:
            os.close(fd)

    def put(self, name: str, payload: bytes, *, version: int = 1) -> int:
        """Appends a record and its payload, stores the word; where the record begins."""
        at = self.end
        encoded = layout.encode_record(flat(name, len(payload), offset=0, version=version))
        offset = _aligned(at + len(encoded))
        encoded = layout.encode_record(flat(name, len(payload), offset=offset, version=version))
        self.slab.memory[at : at + len(encoded)] = encoded
        self.slab.memory[offset : offset + len(payload)] = payload
        self.end = _aligned(offset + len(payload))
        self.store(name, self.word(name, at))
        return at

    def word(self, name: str, at: int, *, slab: int = SLAB) -> int:
        tag = crc32(name.encode()) >> layout.HASH_TAG_SHIFT & layout.TAG_MASK
        return layout.pack_table_word(tag, slab, at)

    def slots(self, name: str) -> list[int]:
        """Bytes of the words of a name's window, from its home on."""
        hashed = crc32(name.encode())
        table = layout.HEADER_BYTES + (hashed >> layout.TABLE_SHIFT) * layout.PAGE_BYTES
        home = hashed % (1 << LOG2_SLOTS)
        return [
            table + (home + step) % (1 << LOG2_SLOTS) * layout.WORD_BYTES
            for step in range(layout.WINDOW)
        ]

    def store(self, name: str, word: int, *, step: int = 0) -> None:
        struct.pack_into("<Q", self.catalog.memory, self.slots(name)[step], word)

    def set_header(self, **fields: int) -> None:
        offsets = {"owner": ("<I", layout.OWNER), "epoch": ("<Q", layout.EPOCH)}
        for name, value in fields.items():
            code, at = offsets[name]
            struct.pack_into(code, self.catalog.memory, at, value)

    def retire(self, *numbers: int) -> None:
        """Tells of segments that are retired, in the order of the document."""
        (epoch,) = struct.unpack_from("<Q", self.catalog.memory, layout.EPOCH)
        for number in numbers:
            word = layout.RETIRED + epoch % layout.RETIRED_WORDS * layout.WORD_BYTES
            struct.pack_into("<Q", self.catalog.memory, word, number)
            epoch += 1
            self.set_header(epoch=epoch)

    def set_directory(self, index: int, word: int) -> None:
        at = layout.DIRECTORY + index * layout.WORD_BYTES
        struct.pack_into("<Q", self.catalog.memory, at, word)


@contextmanager
def catalog(daemon: int = DAEMON) -> Iterator[HandMade]:
    with memfd(CATALOG_BYTES) as first, memfd(layout.SLAB_BYTES) as slab:
        made = HandMade(first, slab)
        layout.HEADER.pack_into(
            first.memory,
            0,
            OWNER,
            0,
            layout.MAGIC,
            layout.LAYOUT_VERSION,
            layout.PAGE_BYTES,
            daemon,
        )
        for index in range(layout.TABLES):
            offset = layout.HEADER_BYTES + index * layout.PAGE_BYTES
            table = Table(CATALOG, offset, 1 << LOG2_SLOTS)
            made.set_directory(index, layout.pack_directory_word(table))
        first.seal(SHARED_SEALS)
        slab.seal(SHARED_SEALS)
        yield made


def _aligned(at: int) -> int:
    return -(-at // layout.ALIGNMENT) * layout.ALIGNMENT
