"""The results as pictures: `python -m sealbench.plots LATEST.json FOLDER`.

Every line has its name at its end, a marker and a dash pattern of its own: colour says nothing that
they do not. Floors are grey and thin, Sealbuf is black and thick.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10
from operator import attrgetter
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

from sealbench.results import Results, Row, load
from sealbench.units import duration, size
from sealbench.works import described

OVER_SIZES = ("get", "read", "first_get", "put", "sustained", "first_put", "hand_off")
MARKERS = "osD^vP*X<>hd8p"
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d1f", "#56a0d3", "#7f3fbf", "#a03030")
LABEL_GAP = 0.034
"""The least distance of two labels, as a part of the height."""
SPREADING_ROUNDS = 200


@dataclass(frozen=True)
class Look:
    colour: str
    marker: str
    dash: Any
    width: float


def main() -> None:
    results, folder = load(Path(sys.argv[1])), Path(sys.argv[2])
    mpl.use("Agg")
    pyplot.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    looks = looks_of(results)
    for work in OVER_SIZES:
        if results.of(work):
            over_sizes(results, work, looks, folder / f"{work}.png")
    if results.of("puts"):
        over_processes(results, "puts", looks, folder / "puts.png")


def looks_of(results: Results) -> dict[str, Look]:
    """The same in every picture."""
    looks = {}
    for number, (peer, about) in enumerate(results.peers.items()):
        marker, dash = MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]
        if peer == "sealbuf_uids":
            looks[peer] = Look("#444444", marker, dash, 1.5)
        elif peer == "sealbuf":
            looks[peer] = Look("black", "o", "-", 2.6)
        elif about.get("floor"):
            looks[peer] = Look("#888888", marker, dash, 1.0)
        else:
            looks[peer] = Look(COLOURS[number % len(COLOURS)], marker, dash, 1.5)
    return looks


def over_sizes(results: Results, work: str, looks: dict[str, Look], path: Path) -> None:
    figure, axes = _axes(work, "size of a buffer", "median (thin bars: up to p99)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: size(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
    _draw(axes, results, work, looks, attrgetter("bytes"))
    _save(figure, path)


def over_processes(results: Results, work: str, looks: dict[str, Look], path: Path) -> None:
    figure, axes = _axes(work, "client processes", "puts a second")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _draw(axes, results, work, looks, attrgetter("processes"))
    _save(figure, path)


def _axes(work: str, across: str, up: str) -> tuple[Any, Any]:
    figure, axes = pyplot.subplots(figsize=(9.6, 6.4))
    says = wrap(described(work).says, 120)
    axes.set_title("\n".join(says), loc="left", fontsize=9, pad=8)
    figure.text(0.12, 0.95, described(work).title, weight="bold", fontsize=13)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(which="major", color="#e4e4e4", linewidth=0.8)
    axes.minorticks_off()
    return figure, axes


def _draw(
    axes: Any, results: Results, work: str, looks: dict[str, Look], across: Callable[[Row], int]
) -> None:
    rows = sorted(results.of(work), key=across)
    axes.set_xticks(sorted({across(row) for row in rows}))
    ends = []
    for peer, look in looks.items():
        line = [row for row in rows if row.peer == peer]
        if line:
            _line(axes, line, look, across)
            ends.append((line[-1].median, across(line[-1]), results.title(peer), look))
    _labels(axes, ends, max(map(across, rows)))


def _line(axes: Any, line: Sequence[Row], look: Look, across: Callable[[Row], int]) -> None:
    at = [across(row) for row in line]
    medians = [row.median for row in line]
    if line[0].unit == "ns":
        tops = [max(row.p99, row.median) for row in line]
        axes.vlines(at, medians, tops, color=look.colour, linewidth=0.6, alpha=0.6)
    axes.plot(
        at, medians, color=look.colour, linestyle=look.dash, linewidth=look.width,
        marker=look.marker, markersize=6, markerfacecolor="white", markeredgecolor=look.colour,
    )  # fmt: skip


def _labels(axes: Any, ends: list[tuple[float, int, str, Look]], last: int) -> None:
    """Beside the last point, pushed apart where they would lie on each other."""
    low, high = map(log10, axes.get_ylim())
    ends.sort(key=lambda end: end[0])
    heights = spread([(log10(end[0]) - low) / (high - low) for end in ends])
    for (value, at, title, look), height in zip(ends, heights, strict=True):
        axes.annotate(
            title, xy=(at, value), xytext=(1.04, height), textcoords="axes fraction",
            color=look.colour, va="center", annotation_clip=False,
            weight="bold" if look.width > 2 else "normal",
            arrowprops={"arrowstyle": "-", "color": look.colour, "linewidth": 0.6,
                        "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 5,
                        "linestyle": ":" if at < last else "-"},
        )  # fmt: skip


def spread(heights: list[float]) -> list[float]:
    """Moves neighbours apart, both by the same, until all have room."""
    for _ in range(SPREADING_ROUNDS):
        for at in range(len(heights) - 1):
            lacking = LABEL_GAP - (heights[at + 1] - heights[at])
            if lacking > 0:
                heights[at] -= lacking / 2
                heights[at + 1] += lacking / 2
    return heights


def _save(figure: Any, path: Path) -> None:
    figure.subplots_adjust(left=0.12, right=0.8, top=0.86, bottom=0.1)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
