"""Prints how many lines of each part were run.

Usage: coverage_report.py LEAST FILE...

Each FILE is what JaCoCo writes as CSV or Coverage.py as JSON; its name is that of the part. Exit
status 1 when a part has less than LEAST per cent.
"""

import csv
import json
import sys
from pathlib import Path


def lines(report: Path) -> tuple[int, int]:
    """How many were run, of how many."""
    if report.suffix == ".json":
        totals = json.loads(report.read_text())["totals"]
        return totals["covered_lines"], totals["num_statements"]
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    run = sum(int(row["LINE_COVERED"]) for row in rows)
    return run, run + sum(int(row["LINE_MISSED"]) for row in rows)


def main(least: float, reports: list[Path]) -> int:
    enough = True
    print(f"{'part':15}{'lines':>8}{'run':>8}{'':>9}")
    for report in reports:
        run, of = lines(report)
        share = 100 * run / of if of else 0.0
        enough &= share >= least
        print(f"{report.stem:15}{of:8}{run:8}{share:8.1f}%")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
