"""The results as Markdown: one table a work, sizes across, peers down."""

from pathlib import Path

from sealbench.results import Results, Row


def write(results: Results, folder: Path) -> None:
    (folder / "latest.md").write_text(markdown(results))


def markdown(results: Results) -> str:
    works = dict.fromkeys(row.work for row in results.rows)
    return "\n".join(_table(results, work) for work in works)


def _table(results: Results, work: str) -> str:
    rows = results.of(work)
    columns = sorted({(row.bytes, row.processes) for row in rows})
    lines = [f"## {work}\n", "| peer | " + " | ".join(f"{b} x{p}" for b, p in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for peer in dict.fromkeys(row.peer for row in rows):
        cells = [results.row(work, peer, *column) for column in columns]
        lines.append(f"| {peer} | " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{row.median:g} ({row.p99:g})"
