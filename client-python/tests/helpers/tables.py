"""The tables of the documents in `protocol/`, as rows of cells."""

import re
from pathlib import Path

PROTOCOL = Path(__file__).parents[3] / "protocol"


def sections(document: str, *, header: bool = False) -> dict[str, list[list[str]]]:
    """The rows below each heading, rule and (unless asked for) header left out. Pipes in code are
    not expected."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in (PROTOCOL / document).read_text().splitlines():
        if match := re.match(r"#+ (.*)", line):
            heading = match.group(1)
            found[heading] = []
        elif line.startswith("|"):
            found[heading].append([cell.strip() for cell in line.strip("|").split("|")])
    first = 0 if header else 1
    return {
        name: [row for row in rows[first:] if set(row[0]) != {"-"}] for name, rows in found.items()
    }


def names(cell: str) -> tuple[str, ...]:
    """The comma-separated names of a cell; `-` stands for none."""
    return () if cell == "-" else tuple(name.strip() for name in cell.split(","))
