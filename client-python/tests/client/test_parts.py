"""Parts of a Buffer: what a program may do with one, and that nothing is copied for them."""

import gc
import pickle
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from operator import ge, lt
from pathlib import Path

import numpy as np
import pytest

import sealbuf
from harness.daemon import Daemon, running

DATA = b"one,two,three" * 400
ALLOWED = 1 << 20
"""Bytes by which private memory may grow."""
SIZE, FULL_SIZE = 64 << 20, 1 << 30


def test_methods_are_functions_of_the_class(path: str) -> None:
    with sealbuf.connect(path) as store:
        parts = store.put(b" one , two ").split(b",")
        assert [bytes(part) for part in map(sealbuf.Buffer.strip, parts)] == [b"one", b"two"]
        assert sealbuf.Buffer.hex(parts[0]) == b" one ".hex()
        numbers = store.put(np.arange(3, dtype="int32"))
        with pytest.raises(AttributeError, match="only a buffer of bytes has 'strip'"):
            sealbuf.Buffer.strip(numbers)


def test_a_part_says_of_itself_what_it_is_part_of(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        store.put(DATA, name, metadata=b"kept")
        buffer = store.get(name)
        part = buffer[4:7]
        assert part == b"two"
        assert hash(part) == hash(b"two")
        assert {b"two": 1}[part] == 1
        whole = (buffer.name, buffer.version, buffer.owner, buffer.created, buffer.metadata)
        assert (part.name, part.version, part.owner, part.created, part.metadata) == whole
        assert (part.nbytes, part.shape, part.strides, part.format) == (3, (3,), (1,), "B")
        assert part.address == buffer.address + 4
        assert part.digest() == store.put(b"two").digest()
        assert repr(part) == f"<sealbuf.Buffer [4:7] of {buffer!r}>"
        assert part[1:][:1] == b"w"
        assert repr(part[1:][:1]) == f"<sealbuf.Buffer [5:6] of {buffer!r}>"
        assert part[:] is part
        assert buffer[:] is buffer
        assert isinstance(part, sealbuf.Buffer)
        store.delete(name)


def test_a_part_is_data_for_everything(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        part = store.put(DATA, name)[4:7]
        assert store.put(part) == b"two"
        assert np.asarray(part).tobytes() == b"two"
        assert np.asarray(part).ctypes.data == part.address
        assert part.memoryview().readonly
        with pytest.raises(TypeError, match="does not support item assignment"):
            part[0] = 1
        if sys.version_info >= (3, 12):
            assert memoryview(part) == b"two"
        store.delete(name)


def test_a_part_is_sent_as_a_handle_of_the_whole(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(bytes(1 << 20) + DATA, name)
        parts = buffer.strip(b"\0").split(b",", 2)
        message = pickle.dumps([buffer, *parts, buffer[5:5]])
        assert len(message) < 1000
        whole, *arrived = pickle.loads(message)
        assert arrived == [b"one", b"two", parts[2], b""]
        assert arrived[1].address == whole.address + (1 << 20) + 4
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(parts[1], protocol)) == b"two"
        store.delete(name)


def test_a_part_keeps_memory_and_name_of_its_whole(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        part = store.put(DATA)[4:7]
        gc.collect()
        assert [entry.name for entry in store.list(part.name)] == [part.name]
        large = store.put(bytes(3 << 20) + b"end", name)[-3:]
        store.delete(name)
        assert pickle.loads(pickle.dumps(part)) == b"two"
    gc.collect()
    assert (part, large) == (b"two", b"end")


def test_small_slices_one_of_another_keep_no_chain(path: str, name: str) -> None:
    with sealbuf.connect(path) as store:
        buffer = part = store.put(DATA, name)
        for _ in range(5000):
            part = part[1:]
        assert part == DATA[5000:]
        assert part._whole is buffer  # type: ignore[attr-defined]
        store.delete(name)


def test_of_a_part_that_is_damaged_in_the_mail_nothing_is_read_outside(
    path: str, name: str
) -> None:
    with sealbuf.connect(path) as store:
        buffer = store.put(b"hello", name)
        assert buffer[3 : 10**6] == b"lo"
        assert buffer[-(10**6) : 2] == b"he"
        assert buffer[4:1] == b""
        opener, (whole, at) = buffer[1:3].__reduce__()
        assert opener(whole, slice(2, 10**9)) == b"llo"
        assert at == slice(1, 3)
        store.delete(name)


@pytest.fixture(scope="module")
def roomy() -> Iterator[Daemon]:
    with running(capacity="3GiB") as daemon:
        yield daemon


QUESTIONS: dict[str, Callable[[sealbuf.Buffer], object]] = {
    "find": lambda b: b.find(b"absent"),
    "find a byte": lambda b: b.find(0),
    "rfind": lambda b: b.rfind(b"absent"),
    "index": lambda b: b.index(b","),
    "rindex": lambda b: b.rindex(b","),
    "count": lambda b: b.count(b"a,a"),
    "count what is everywhere": lambda b: b.count(b"aaaaaaaa"),
    "count bytes": lambda b: b.count(b"a"),
    "in": lambda b: b"absent" in b,
    "startswith": lambda b: b.startswith((b"absent", b"aaa")),
    "endswith": lambda b: b.endswith(b"absent"),
    "split": lambda b: b.split(b","),
    "split at nothing": lambda b: b.split(),
    "rsplit": lambda b: b.rsplit(b",", 1),
    "rsplit at nothing": lambda b: b.rsplit(None, 1),
    "splitlines": lambda b: b.splitlines(),
    "partition": lambda b: b.partition(b","),
    "rpartition": lambda b: b.rpartition(b","),
    "strip": lambda b: b.strip(),
    "strip it all": lambda b: (b.lstrip(b"a,"), b.rstrip(b"a,")),
    "removeprefix": lambda b: b.removeprefix(b"a"),
    "removesuffix": lambda b: b.removesuffix(b"a"),
    "isascii": lambda b: b.isascii(),
    "islower": lambda b: b.islower(),
    "isupper": lambda b: b.isupper(),
    "istitle": lambda b: b.istitle(),
    "isalnum": lambda b: b[1:-1].partition(b",")[0].isalnum(),
    "a slice": lambda b: b[1:-1],
    "==": lambda b: b == b[1:],
    "<": lambda b: (lt(b, b[1:]), ge(b[2:], b)),
    "hash": hash,
    "digest": lambda b: b.digest(),
    "decode": lambda b: b[-5:].decode(),
}


@pytest.mark.shows(58)
def test_what_makes_nothing_new_copies_nothing(
    roomy: Daemon,
    name: str,
    rounds: Callable[..., int],
) -> None:
    size = rounds(FULL_SIZE, SIZE)
    with sealbuf.connect(roomy.path, timeout=60) as store:
        with store.create(name, nbytes=size) as writer:
            array = np.asarray(writer)
            array[:] = ord("a")
            array[size // 2] = ord(",")
            del array
        buffer = store.get(name)
        buffer.memoryview()[::4096].tobytes()  # each page is there
        grown = {what: growth(lambda: question(buffer)) for what, question in QUESTIONS.items()}  # noqa: B023
        store.delete(name)
    assert {what: most for what, most in grown.items() if most >= ALLOWED} == {}
    control = growth(lambda: bytes(buffer))
    assert control >= size


def growth(call: Callable[[], object]) -> int:
    """By how much private memory grew, at most."""
    before = private()
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return max(peak, private() - before)


def private() -> int:
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("RssAnon:")
    )
    return int(line.split()[1]) * 1024
