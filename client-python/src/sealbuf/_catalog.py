"""The reader's side of the catalog: from a name to its record, without a system call.

The daemon is the only writer. Each decision of a reader hangs on one aligned 8-byte load, which no
supported machine tears: `memoryview.cast("Q")[i]` is such a load. A record is complete before the
word that leads to it and never changes; its memory and its number are never used again. Hence no
lock, no retry and no checksum, and a daemon that dies between two stores leaves a valid table. The
steps are those of "How to read a name" in `protocol/LAYOUT.md`; ARCHITECTURE.md says why they are
right.

What is mapped stays cached until the daemon retires it: the header's `epoch` counts retirements,
and the ring `retired` has the numbers of the last ones. `refresh` follows them, in `find` and, for
readers that sleep, from a thread (see `_idle`). A segment may be retired between the daemon's
answer and the moment it is cached here; the epoch before the question tells (`keep`).

Threads: any number. The dictionaries below only ever gain or lose whole entries, and two threads
that map the same segment at once both get a valid mapping.
"""

import threading
import weakref
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeAlias
from zlib import crc32

from sealbuf import _layout as layout
from sealbuf._deadline import Deadline
from sealbuf._errors import Disconnected, NotFound
from sealbuf._layout import (
    ALIGNMENT,
    EMPTY,
    GONE,
    HASH_TAG_SHIFT,
    OFFSET_BITS,
    OFFSET_MASK,
    OWNER_DIED,
    RETIRED_WORDS,
    SLAB_MASK,
    TABLE_SHIFT,
    TAG_MASK,
    TAG_SHIFT,
    Place,
    match_record,
)
from sealbuf._memory import Mapping

SLABS_MAX = 1024
"""Slabs kept mapped although no view of them may live."""
ATTEMPTS_MAX = 3
"""How often a get begins again because a slab is gone before it asks the daemon."""
RING_TRUSTED = RETIRED_WORDS // 2
"""So many of the last retirements are read from the ring; the daemon may be writing the others."""
ANY_EPOCH = -1
"""Of a slab that may have been retired before it was asked for: it is not kept."""
SEGMENT_SHIFT = layout.LOG2_SLOTS_BITS + layout.PAGE_BITS
STEPS = range(layout.WINDOW)


class Answer(Enum):
    """What the catalog says when it does not say where."""

    ABSENT = "absent"
    ASK = "ask"
    """Only the daemon knows: the name's window is full, its slab is gone or not mapped here."""


class Slab(NamedTuple):
    """A mapped slab. `view` keeps it mapped for as long as it is cached."""

    memory: Mapping
    view: memoryview


MapSegment: TypeAlias = Callable[[int, Deadline], Mapping]
"""Brings a slab or catalog segment by its number; NotFound when it is retired."""
Found: TypeAlias = tuple[int, Slab, int, Place]
"""Number of the slab, the slab, byte of the record in it, place of the payload."""


class CatalogReader:
    """The catalog of one daemon."""

    def __init__(self, number: int, header: Mapping, map_segment: MapSegment) -> None:
        self.daemon = layout.check_header(header)
        self._map_segment = map_segment
        page = memoryview(header)[: layout.HEADER_BYTES]
        self._owner = page[layout.OWNER : layout.EPOCH].cast("I")
        self._epoch_word = page[layout.EPOCH : layout.EPOCH + layout.WORD_BYTES].cast("Q")
        self._retired = page[layout.RETIRED : layout.DIRECTORY].cast("Q")
        self._directory = page[layout.DIRECTORY :].cast("Q")
        self._epoch = self._epoch_word[0]
        self._number, self._header = number, header
        self._no_table = (-1, page)
        self._tables: list[tuple[int, memoryview]] = [self._no_table] * layout.TABLES
        self._slabs: dict[int, Slab] = {}
        self._mapped = weakref.WeakValueDictionary({number: header})
        self._passing: weakref.WeakValueDictionary[int, Mapping] = weakref.WeakValueDictionary()
        """Slabs that are not kept, while some view of them lives."""
        self._keeping = True
        self._change = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether the daemon lives. The kernel itself marks the word when it dies."""
        owner = self._owner[0]
        return owner != 0 and not owner & OWNER_DIED

    @property
    def epoch(self) -> int:
        """Retirements so far; to be taken before a segment is asked for that will be kept."""
        return self._epoch_word[0]

    def find(
        self, name: bytes, deadline: Deadline | None, attempts: int = ATTEMPTS_MAX
    ) -> Found | Answer:
        """Where the buffer of that name is; Disconnected when the daemon is gone.

        What is not mapped is brought until the deadline; without one it is ASK.
        """
        owner = self._owner[0]
        if not owner or owner & OWNER_DIED:
            raise Disconnected(f"the daemon is gone, its catalog does not answer: owner={owner}")
        if self._epoch_word[0] != self._epoch:
            self.refresh()
        hashed = crc32(name)
        index = hashed >> TABLE_SHIFT
        word = self._directory[index]
        known, table = self._tables[index]
        try:
            if known != word:
                table = self._open_table(index, word, deadline)
            tag = hashed >> HASH_TAG_SHIFT & TAG_MASK
            mask = len(table) - 1
            for step in STEPS:
                word = table[hashed + step & mask]
                if word >> TAG_SHIFT == tag and word > GONE:
                    number = word >> OFFSET_BITS & SLAB_MASK
                    slab = self._slabs.get(number) or self.slab(number, deadline)
                    at = (word & OFFSET_MASK) * ALIGNMENT
                    place = match_record(slab.memory, at, name)
                    if place is not None:
                        return number, slab, at, place
                if word == EMPTY:
                    return Answer.ABSENT
        except NotFound:  # the table or slab was retired, so the word that led to it is an old one
            again = deadline is not None and attempts > 1
            return self.find(name, deadline, attempts - 1) if again else Answer.ASK
        return Answer.ASK

    def slab(self, number: int, deadline: Deadline | None) -> Slab:
        """A slab by its number; NotFound when the daemon does not have it any more."""
        epoch = self.epoch
        return self.cached(number) or self.keep(number, self._bring(number, deadline), epoch)

    @property
    def newest(self) -> int | None:
        """The slab that was mapped last, which most likely is the one that the daemon fills now:
        whoever waits names it, so that no descriptor of it has to come along."""
        with self._change:
            return next(reversed(self._slabs), None)

    def cached(self, number: int) -> Slab | None:
        """A slab that is mapped already, be it only by somebody's view."""
        epoch, slab = self._epoch, self._slabs.get(number)
        if slab is None and (mapping := self._mapped.get(number)) is not None:
            slab = self.keep(number, mapping, epoch)
        return slab

    def keep(self, number: int, mapping: Mapping, epoch: int) -> Slab:
        """Keeps a slab mapped that was asked for in that epoch, unless it may have been retired
        since. The one that is kept longest makes room."""
        slab = Slab(mapping, memoryview(mapping))
        with self._change:
            if self._epoch > epoch or not self._keeping:
                shared = self._passing.setdefault(number, mapping)
                return Slab(shared, memoryview(shared))
            self._mapped[number] = mapping
            while len(self._slabs) >= SLABS_MAX:
                del self._slabs[next(iter(self._slabs))]
            return self._slabs.setdefault(number, slab)

    def refresh(self) -> None:
        """Lets go of what was retired, and of everything once the daemon is gone."""
        if not self.alive:
            self.close()
            return
        with self._change:
            seen, now = self._epoch, self._epoch_word[0]
            if now == seen:
                return
            numbers = range(max(seen, now - RING_TRUSTED), now)
            retired = {self._retired[number % RETIRED_WORDS] for number in numbers}
            if self._epoch_word[0] - seen > RING_TRUSTED:
                self._forget_all()
            else:
                self._forget(retired)
            self._epoch = now

    def close(self) -> None:
        """Lets go of every slab and table; views keep theirs."""
        with self._change:
            self._keeping = False
            self._forget_all()

    def end(self) -> None:
        """Nothing is asked for any more. Without that the session could go only as garbage."""
        self.close()
        self._map_segment = _session_is_over

    def after_fork(self) -> None:
        """In a forked child: nobody else holds the lock here, whatever the copy of it says."""
        self._change = threading.Lock()

    def _forget(self, retired: set[int]) -> None:
        for number in retired:
            self._slabs.pop(number, None)
            self._mapped.pop(number, None)
        for index, (word, _) in enumerate(self._tables):
            if word >> SEGMENT_SHIFT in retired:
                self._tables[index] = self._no_table

    def _forget_all(self) -> None:
        self._slabs.clear()
        self._mapped.clear()
        self._mapped[self._number] = self._header
        self._tables[:] = [self._no_table] * layout.TABLES

    def _bring(self, number: int, deadline: Deadline | None) -> Mapping:
        if deadline is None:
            raise NotFound(f"segment is not mapped here: segment={number}")
        return self._map_segment(number, deadline)

    def _open_table(self, index: int, word: int, deadline: Deadline | None) -> memoryview:
        epoch = self.epoch
        place = layout.read_directory_word(word)
        segment = self._mapped.get(place.segment) or self._bring(place.segment, deadline)
        layout.check_table(place, segment.nbytes)
        end = place.offset + place.slots * layout.WORD_BYTES
        table = memoryview(segment)[place.offset : end].cast("Q")
        with self._change:
            if self._epoch <= epoch and self._keeping:
                self._mapped[place.segment] = segment
                self._tables[index] = (word, table)
        return table


def _session_is_over(number: int, _deadline: Deadline) -> Mapping:
    over = Disconnected(f"the session is over, nothing is mapped in it any more: segment={number}")
    over.sent = False
    raise over
