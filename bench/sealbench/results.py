"""The results: samples as they come in, rows as they are written.

A row is one peer's result in one work: median and p99 of all samples, and the lowest and highest
median of a round, which say how far the run itself moved. `processes` is how many
work at once.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

SCHEMA = 1


@dataclass(frozen=True, order=True)
class Key:
    work: str
    peer: str
    bytes: int
    processes: int = 1
    unit: str = "ns"


@dataclass(frozen=True)
class Row:
    work: str
    peer: str
    bytes: int
    processes: int
    unit: str
    n: int
    median: float
    p99: float
    low: float
    high: float


@dataclass
class Results:
    header: dict[str, Any]
    peers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Title, versions and settings of each; `skipped` or `failed` with the reason."""
    rows: list[Row] = field(default_factory=list)
    unable: dict[str, dict[str, str]] = field(default_factory=dict)
    """By peer and work, why there is no row."""

    def row(self, work: str, peer: str, nbytes: int, processes: int = 1) -> Row | None:
        for row in self.rows:
            if (row.work, row.peer, row.bytes, row.processes) == (work, peer, nbytes, processes):
                return row
        return None

    def title(self, peer: str) -> str:
        title: str = self.peers.get(peer, {}).get("title", peer)
        return title

    def of(self, work: str) -> list[Row]:
        return [row for row in self.rows if row.work == work]

    def replace(self, rows: Iterable[Row]) -> None:
        """Adds rows; those of the same work, peer, bytes and processes go."""
        new = {(row.work, row.peer, row.bytes, row.processes): row for row in rows}
        old = {(row.work, row.peer, row.bytes, row.processes): row for row in self.rows}
        self.rows = list({**old, **new}.values())

    def save(self, path: Path) -> None:
        rows = ",\n".join(f"    {json.dumps(asdict(row))}" for row in self.rows)
        head = {"schema": SCHEMA, **self.header, "peers": self.peers, "unable": self.unable}
        text = json.dumps(head, indent=2)
        path.write_text(f'{text[:-2]},\n  "rows": [\n{rows}\n  ]\n}}\n')


def load(path: Path) -> Results:
    found = json.loads(path.read_text())
    schema = found.pop("schema")
    if schema != SCHEMA:
        raise ValueError(f"results of another schema: found={schema} known={SCHEMA} path={path}")
    rows = [Row(**row) for row in found.pop("rows")]
    peers, unable = found.pop("peers"), found.pop("unable")
    return Results(header=found, peers=peers, rows=rows, unable=unable)


class Collector:
    """Rounds of samples, by what they are of."""

    def __init__(self) -> None:
        self._rounds: dict[Key, list[list[float]]] = defaultdict(list)

    def add(self, key: Key, samples: Iterable[float]) -> None:
        found = list(samples)
        if found:
            self._rounds[key].append(found)

    def rows(self) -> list[Row]:
        return [summary(key, rounds) for key, rounds in self._rounds.items()]


def summary(key: Key, rounds: list[list[float]]) -> Row:
    pooled = sorted(sample for samples in rounds for sample in samples)
    medians = [median(samples) for samples in rounds]
    return Row(
        **asdict(key),
        n=len(pooled),
        median=rounded(median(pooled)),
        p99=rounded(pooled[math.ceil(0.99 * len(pooled)) - 1]),
        low=rounded(min(medians)),
        high=rounded(max(medians)),
    )


def rounded(value: float) -> float:
    """Four digits, which is more than any of it is worth."""
    return float(f"{value:.4g}")
