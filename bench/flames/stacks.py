"""Stacks with the number of their samples, as profilers write them: `outer;inner;innermost 12`."""

from collections import Counter
from pathlib import Path
from typing import Self


class Stacks:
    def __init__(self, counts: Counter[tuple[str, ...]]) -> None:
        self.counts = counts

    @classmethod
    def read(cls, path: Path) -> Self:
        counts: Counter[tuple[str, ...]] = Counter()
        for line in path.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            counts[tuple(stack.split(";"))] += int(count)
        return cls(counts)

    def below(self, function: str) -> "Stacks":
        """What was called from this function, which begins a frame; all else is left out."""
        counts: Counter[tuple[str, ...]] = Counter()
        for stack, count in self.counts.items():
            for at, frame in enumerate(stack):
                if frame == function or frame.startswith(f"{function} "):
                    counts[stack[at:]] += count
                    break
        return Stacks(counts)
