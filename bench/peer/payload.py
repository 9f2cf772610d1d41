"""The bytes that travel: noise, with a number in front that tells one name from another.

Every size has names of its own, numbered; as many as make RESIDENT_BYTES, NAMES at most.
"""

import random

import numpy as np
import numpy.typing as npt

NAMES = 10_000
RESIDENT_BYTES = 32 << 20
PAGE = 4096
HEAD = 8


def name_count(nbytes: int) -> int:
    return max(1, min(NAMES, RESIDENT_BYTES // nbytes))


def names(nbytes: int) -> list[str]:
    return [f"r/{nbytes}/{number}" for number in range(name_count(nbytes))]


def shuffled(nbytes: int, count: int, seed: int) -> list[str]:
    """Uniformly random, with repetitions."""
    return random.Random(seed).choices(names(nbytes), k=count)


class Payload:
    """A writable buffer of the producer's own, warm: what put takes its bytes from."""

    def __init__(self, nbytes: int) -> None:
        block = np.frombuffer(random.Random(nbytes).randbytes(min(nbytes, 1 << 20)), np.uint8)
        self._array: npt.NDArray[np.uint8] = np.resize(block, nbytes)
        self._head = self._array[:HEAD].view(np.uint64)
        self.view = memoryview(self._array.data)

    def numbered(self, number: int) -> memoryview:
        self._head[0] = number
        return self.view

    def check(self, number: int, found: memoryview) -> None:
        self._head[0] = number
        if not np.array_equal(np.frombuffer(found, np.uint8), self._array):
            raise AssertionError(
                f"wrong bytes: bytes={self._array.nbytes} found={found.nbytes} number={number}"
            )


def touch_pages(view: memoryview) -> int:
    """Reads one byte a page."""
    return int(np.frombuffer(view, np.uint8)[::PAGE].sum(dtype=np.uint64))


def touch_bytes(view: memoryview) -> int:
    """Reads every byte."""
    return int(np.frombuffer(view, np.uint64).sum(dtype=np.uint64))
