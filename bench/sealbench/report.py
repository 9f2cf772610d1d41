"""The results as Markdown: one table a work, sizes or processes across, peers down."""

from collections.abc import Iterable
from pathlib import Path

from sealbench.results import Results, Row
from sealbench.shows import shows
from sealbench.units import quantity, size
from sealbench.works import described

FILE = "latest.md"
NOTE = (
    "Each cell: median, in brackets p99. `moved` is how far apart the lowest and the highest "
    "median of a round were, at worst."
)


def write(results: Results, folder: Path) -> None:
    (folder / FILE).write_text(markdown(results))


def markdown(results: Results) -> str:
    works = dict.fromkeys(row.work for row in results.rows)
    parts = [_head(results), _shows(results), *(_section(results, work) for work in works)]
    return "\n\n".join([*parts, _absent(results), _versions(results)]) + "\n"


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    rows = [list(head), *map(list, lines)]
    ruler = ["---"] + ["---:"] * (len(rows[0]) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ruler, *rows[1:]])


def column_title(work: str, row: Row) -> str:
    if described(work).by == "processes":
        return f"{row.processes} x {size(row.bytes)}" if row.bytes else str(row.processes)
    return size(row.bytes) if row.bytes else "median (p99)"


def _head(results: Results) -> str:
    head = results.header
    lines = [f"- {name}: {value}" for name, value in head["machine"].items()]
    about = f"Plan `{head['plan']}`, {head['made']}, tree `{head['tree']}`. {NOTE}"
    return "\n".join(["# Results", "", about, "", *lines])


def _shows(results: Results) -> str:
    lines = [
        (show.claim, show.bound, show.found, "yes" if show.holds else "no")
        for show in shows(results)
    ]
    return "## Against the aims\n\n" + table(("claim", "aim", "found", "holds"), lines)


def _section(results: Results, work: str) -> str:
    rows = sorted(results.of(work), key=lambda row: (row.bytes, row.processes))
    columns = {(row.bytes, row.processes): column_title(work, row) for row in rows}
    lines = []
    for peer in results.peers:
        cells = [results.row(work, peer, *column) for column in columns]
        if any(cells):
            lines.append([results.title(peer), *map(_cell, cells), _moved(cells)])
    text = table(["", *columns.values(), "moved"], lines)
    return f"## {described(work).title}\n\n{described(work).says}\n\n{text}"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    value = quantity(row.median, row.unit)
    return f"{value} ({quantity(row.p99, row.unit)})" if row.n > 1 else value


def _moved(rows: Iterable[Row | None]) -> str:
    factors = [row.high / row.low for row in rows if row is not None and row.low > 0]
    return f"{max(factors):.2f}x" if factors else ""


def _absent(results: Results) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for peer, about in results.peers.items():
        if "skipped" in about:
            reasons[results.title(peer), about["skipped"]] = ["everything"]
    for peer, works in results.unable.items():
        for work, reason in works.items():
            reasons.setdefault((results.title(peer), reason), []).append(work)
    lines = [(peer, ", ".join(works), reason) for (peer, reason), works in reasons.items()]
    return "## What is missing, and why\n\n" + table(("", "work", "reason"), lines)


def _versions(results: Results) -> str:
    lines = [
        (results.title(peer), _pairs(about.get("versions", {})), _pairs(about.get("settings", {})))
        for peer, about in results.peers.items()
    ]
    return "## Versions and settings\n\n" + table(("", "versions", "settings"), lines)


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
