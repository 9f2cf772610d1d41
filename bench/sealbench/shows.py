"""The aims that the project set itself, computed from the results."""

from collections.abc import Iterator
from dataclasses import dataclass

from sealbench.results import Results
from sealbench.units import digits, duration, size

OURS = "sealbuf"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SUSTAINED_FROM = 16 * MIB
SUSTAINED_RATE = 5.0
"""Bytes a nanosecond, which are GB/s."""


@dataclass(frozen=True)
class Show:
    claim: str
    bound: str
    found: str
    holds: bool


class Medians:
    def __init__(self, results: Results) -> None:
        self._results = results

    def __call__(self, work: str, peer: str, nbytes: int = 0, processes: int = 1) -> float | None:
        row = self._results.row(work, peer, nbytes, processes)
        return None if row is None else row.median

    def sizes(self, work: str) -> list[int]:
        return sorted({row.bytes for row in self._results.of(work) if row.peer == OURS})

    def title(self, peer: str) -> str:
        return self._results.title(peer)


def shows(results: Results) -> list[Show]:
    """Those for which there are rows."""
    of = Medians(results)
    parts = (_get, _small, _put, _sustained, _hand_off, _readers, _footprint)
    return [show for part in parts for show in part(of)]


def _get(of: Medians) -> Iterator[Show]:
    ours = of("get", OURS, 64)
    yield from _at_most("get of 64 B / dict and slice", ours, of("get", "floor_dict", 64), 20)
    for peer in ("ray", "redis", "vineyard", "plasma"):
        yield from _at_least(f"get of 64 B: {of.title(peer)} / ours", of("get", peer, 64), ours, 20)
    first = of("first_get", OURS, 256 * MIB)
    if first is not None:
        yield Show("first get of 256 MiB", "<= 3 ms", duration(first), first <= 3e6)


def _small(of: Medians) -> Iterator[Show]:
    ping, put = of("ping", OURS), of("put", OURS, KIB)
    yield from _at_most("ping / C echo", ping, of("ping", "floor_echo"), 2)
    yield from _at_most("put of 1 KiB / ping", put, ping, 1.5)
    yield from _at_least("put of 1 KiB: Redis / ours", of("put", "redis", KIB), put, 1)
    yield from _at_least("put of 1 KiB: Ray / ours", of("put", "ray", KIB), put, 5)
    yield from _at_least("put of 1 KiB / one of a batch", put, of("batch", OURS, KIB), 10)


def _put(of: Medians) -> Iterator[Show]:
    ping = of("ping", OURS)
    for nbytes in of.sizes("put"):
        ours, copy = of("put", OURS, nbytes), of("put", "floor_memcpy", nbytes)
        if nbytes < MIB or ping is None or copy is None:
            continue
        claim = f"put of {size(nbytes)}"
        yield from _at_most(f"{claim} / (1.3 memcpy + 2 pings + 15 us)", ours,
                            1.3 * copy + 2 * ping + 15_000, 1)  # fmt: skip
        for peer in ("ray", "plasma"):
            yield from _at_least(
                f"{claim}: {of.title(peer)} / ours", of("put", peer, nbytes), ours, 1
            )


def _sustained(of: Medians) -> Iterator[Show]:
    for nbytes in of.sizes("sustained"):
        ours = of("sustained", OURS, nbytes)
        if nbytes >= SUSTAINED_FROM and ours is not None:
            rate = nbytes / ours
            yield Show(f"sustained puts of {size(nbytes)}", f">= {SUSTAINED_RATE:g} GB/s",
                       f"{digits(rate)} GB/s", rate >= SUSTAINED_RATE)  # fmt: skip


def _hand_off(of: Medians) -> Iterator[Show]:
    for nbytes in of.sizes("hand_off"):
        floor = of("hand_off", "floor_wakeup", nbytes)
        bound = 2.5 if nbytes < MIB else 5
        claim = f"hand-off of {size(nbytes)} / wake-up"
        for peer in (OURS, "sealbuf_java"):
            named = f"{of.title(peer)}: {claim}"
            yield from _at_most(named, of("hand_off", peer, nbytes), floor, bound)


def _readers(of: Medians) -> Iterator[Show]:
    for nbytes in of.sizes("readers"):
        one = of("readers", OURS, nbytes)
        for processes, bound in ((2, 1.3), (8, 4.5)):
            ours = of("readers", OURS, nbytes, processes)
            yield from _at_most(f"{processes} readers of {size(nbytes)} / one", ours, one, bound)
        pss = of("readers_pss", OURS, nbytes, 8)
        yield from _at_most(f"memory of 8 readers / {size(nbytes)}", pss, nbytes, 1.02)


def _footprint(of: Medians) -> Iterator[Show]:
    memory, processor = of("idle_rss", OURS), of("idle_cpu", OURS)
    if memory is not None and processor is not None:
        yield Show("idle: memory", "<= 110 MB", f"{memory / 1e6:.0f} MB", memory <= 110e6)
        yield Show("idle: processor", "<= 0.1 %", f"{processor:.2g} %", processor <= 0.1)


def _at_most(claim: str, over: float | None, under: float | None, bound: float) -> Iterator[Show]:
    if over is not None and under is not None:
        yield Show(claim, f"<= {bound:g}x", f"{digits(over / under)}x", over / under <= bound)


def _at_least(claim: str, over: float | None, under: float | None, bound: float) -> Iterator[Show]:
    if over is not None and under is not None:
        yield Show(claim, f">= {bound:g}x", f"{digits(over / under)}x", over / under >= bound)
