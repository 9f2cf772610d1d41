"""Everything that shared memory says, read word by word, whether its daemon lives or not.

Unlike a client it does not look at `owner`: what a dead daemon left is what is to be judged. The
numbers of the layout come from the client's `_layout`, which is compared with LAYOUT.md elsewhere.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from zlib import crc32

from harness.raw import RawClient
from sealbuf import _layout as layout
from sealbuf._layout import Record

CATALOG, SLAB = "catalog", "slab"


class Scan:
    """The catalog of one daemon; `refresh` maps what is new while the daemon can be asked."""

    def __init__(self, client: RawClient) -> None:
        self._client = client
        welcome = client.hello()
        self._header = _mapped(welcome.descriptors[0], welcome["catalog_bytes"])
        self._catalogs = {welcome["catalog"]: self._header}
        self._slabs: dict[int, mmap.mmap] = {}
        welcome.close()

    def refresh(self) -> None:
        for word in self._words(layout.DIRECTORY, layout.TABLES, self._header):
            self._map(self._catalogs, layout.read_directory_word(word).segment)
        for word in self._live():
            self._map(self._slabs, word >> layout.OFFSET_BITS & layout.SLAB_MASK)

    def published(self) -> Iterator[tuple[Record, bytes]]:
        """Each live record whose slab is mapped, with its payload if that lies there too."""
        for word in self._live():
            slab = self._slabs.get(word >> layout.OFFSET_BITS & layout.SLAB_MASK)
            if slab is None:
                continue
            record = layout.read_record(slab, (word & layout.OFFSET_MASK) * layout.ALIGNMENT)
            tag = crc32(record.name.encode()) >> layout.HASH_TAG_SHIFT & layout.TAG_MASK
            assert word >> layout.TAG_SHIFT == tag, f"another name's word: name={record.name}"
            segment, offset, nbytes = record.place
            yield record, slab[offset : offset + nbytes] if segment == 0 else b""

    def _live(self) -> Iterator[int]:
        for directory_word in self._words(layout.DIRECTORY, layout.TABLES, self._header):
            table = layout.read_directory_word(directory_word)
            segment = self._catalogs.get(table.segment)
            if segment is not None:
                words = self._words(table.offset, table.slots, segment)
                yield from (word for word in words if word > layout.GONE)

    @staticmethod
    def _words(offset: int, count: int, memory: mmap.mmap) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}Q", memory, offset)

    def _map(self, mapped: dict[int, mmap.mmap], number: int) -> None:
        if number in mapped:
            return
        reply = self._client.ask("map", segment=number)
        if reply.kind == "mapped":  # else it has just been retired
            mapped[number] = _mapped(reply.descriptors[0], reply["segment_bytes"])
        reply.close()


def _mapped(fd: int, nbytes: int) -> mmap.mmap:
    assert os.fstat(fd).st_size == nbytes
    return mmap.mmap(fd, nbytes, prot=mmap.PROT_READ)
