"""The README's table, between two markers, from the results."""

from pathlib import Path

from sealbench.report import table
from sealbench.results import Results, Row
from sealbench.units import duration, size

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
KIB, MIB = 1 << 10, 1 << 20
COLUMNS = (
    ("get", 64),
    ("read", 16 * MIB),
    ("first_get", 256 * MIB),
    ("put", KIB),
    ("put", MIB),
    ("put", 256 * MIB),
    ("hand_off", 64),
)
TITLES = {
    "get": "get",
    "read": "read",
    "first_get": "first get",
    "put": "put",
    "hand_off": "hand-off",
}


def rewritten(readme: str, results: Results) -> str:
    """With the table of these results in the place of the one that is there."""
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"no place for the table: markers={BEGIN} {END}")
    return f"{before}{BEGIN}\n{comparison(results)}\n{END}{after}"


def write(path: Path, results: Results) -> None:
    path.write_text(rewritten(path.read_text(), results))


def comparison(results: Results) -> str:
    """A line a peer: each time, and how many times ours it is."""
    head = ["", *(f"{TITLES[work]} {size(nbytes)}" for work, nbytes in COLUMNS)]
    lines = []
    for peer in results.peers:
        cells = [_cell(results, peer, work, nbytes) for work, nbytes in COLUMNS]
        if any(cells):
            lines.append([results.title(peer), *cells])
    return table(head, lines)


def _cell(results: Results, peer: str, work: str, nbytes: int) -> str:
    row, ours = (results.row(work, name, nbytes) for name in (peer, "sealbuf"))
    if row is None:
        return ""
    return duration(row.median) + ("" if peer == "sealbuf" else _ratio(row, ours))


def _ratio(row: Row, ours: Row | None) -> str:
    if ours is None:
        return ""
    ratio = row.median / ours.median
    return f" ({ratio:.0f}x)" if ratio >= 10 else f" ({ratio:.{1 if ratio < 0.1 else 2}g}x)"
