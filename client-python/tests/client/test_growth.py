"""Names while the catalog grows and shrinks under its readers; and what a reader that does not look
at the header makes of it.

Each round publishes thousands of names that all fall into two of the catalog's tables, so that
these are rebuilt, replaces some, deletes most, and asks readers that have looked before. A name is
*lost* if it is published and not found, *outdated* if it is found after its deletion or with the
content that was replaced.
"""

import struct
from collections.abc import Callable
from itertools import count, islice
from zlib import crc32

import pytest

import sealbuf
from sealbuf import _layout as layout

NAMES, BATCH = 8000, 1000
TABLES = {7, 200}
ROUNDS = 3


class Tally:
    """What one reader got wrong."""

    def __init__(self, path: str) -> None:
        self.store = sealbuf.connect(path)
        self.lost = self.outdated = self.torn = 0

    def look(self, names: list[str], content: Callable[[str], bytes] | None) -> None:
        """`content` of a name that is published; None: they are deleted."""
        for name in names:
            try:
                found = self.store.get(name).to_bytes()
            except sealbuf.NotFound:
                self.lost += content is not None
            else:
                self.outdated += content is None or found != content(name)
                self.torn += len(set(found.split(b"|"))) > 2

    def close(self) -> None:
        self.store.close()


def old(name: str) -> bytes:
    return f"old {name}|".encode() * 3


def new(name: str) -> bytes:
    return f"new {name}|".encode() * 5


def put(store: sealbuf.Store, names: list[str], content: Callable[[str], bytes]) -> None:
    for at in range(0, len(names), BATCH):
        batch = {name: content(name) for name in names[at : at + BATCH]}
        store.put_many(batch, replace=True)


def crowded(prefix: str) -> list[str]:
    """Names of few tables, in no particular order."""
    found = (f"{prefix}/{number}" for number in count())
    return list(
        islice((n for n in found if crc32(n.encode()) >> layout.TABLE_SHIFT in TABLES), NAMES)
    )


def storm(path: str, prefix: str, readers: list[Tally]) -> None:
    """Growth, replacement, growth again, and deletion, with a look behind each."""
    names = crowded(prefix)
    kept, going, late = (names[at :: NAMES // 100] for at in range(3))
    with sealbuf.connect(path) as producer:
        put(producer, kept + going, old)
        for reader in readers:
            reader.look(kept + going, old)
        put(producer, [name for name in names if name not in {*kept, *going}], old)
        put(producer, kept, new)
        producer.delete(*going)
        for reader in readers:
            reader.look(kept, new)
            reader.look(going, None)
            reader.look(late, old)
        producer.delete(*(set(names) - {*kept, *going}))
        for reader in readers:
            reader.look(kept, new)
            reader.look(late, None)
        producer.delete(*kept)


@pytest.mark.timeout(120)
def test_nothing_is_lost_outdated_or_torn_while_tables_come_and_go(path: str, name: str) -> None:
    readers = [Tally(path) for _ in range(3)]
    for turn in range(ROUNDS):
        storm(path, f"{name}/{turn}", readers)
    for reader in readers:
        assert (reader.lost, reader.outdated, reader.torn) == (0, 0, 0)
        reader.close()


def forget_the_directory(reader: Tally) -> None:
    """From now on it takes the tables for those that it saw at first."""
    directory = reader.store._link.current().catalog._directory
    frozen = struct.pack(f"{layout.TABLES}Q", *directory)
    reader.store._link.current().catalog._directory = memoryview(frozen).cast("Q")


@pytest.mark.timeout(120)
def test_a_reader_that_does_not_look_at_the_directory_is_caught(path: str, name: str) -> None:
    """The negative control of the test above."""
    honest, careless = Tally(path), Tally(path)
    forget_the_directory(careless)
    storm(path, name, [honest, careless])
    assert (honest.lost, honest.outdated, honest.torn) == (0, 0, 0)
    assert careless.lost > 0
    assert careless.outdated > 0
    honest.close()
    careless.close()
