"""Numbers that forked workers share: one writes, all read, each a word that never tears."""

import mmap


class Counters:
    """So many counters from 0; made before the fork, they are the same memory in all copies."""

    def __init__(self, count: int) -> None:
        self._words = memoryview(mmap.mmap(-1, 8 * count)).cast("Q")

    def __getitem__(self, index: int) -> int:
        return self._words[index]

    def __setitem__(self, index: int, value: int) -> None:
        self._words[index] = value

    def total(self) -> int:
        return sum(self._words)
