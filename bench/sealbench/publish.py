"""What is made from `latest.json`: Markdown, pictures, the README's table.

`python -m sealbench.publish [ROWS.json ...]` first adds rows that other programs measured, each
file a list of what `latest.json` has under `rows`; a row replaces one of the same work, peer, bytes
and processes.
"""

import argparse
import json
import subprocess
from pathlib import Path

from sealbench import readme, report
from sealbench.environments import Missing, environment
from sealbench.peers import FOLDER, TREE
from sealbench.progress import say
from sealbench.results import Results, Row, load

RESULTS = FOLDER / "results"
LATEST = "latest.json"


def publish(results: Results, folder: Path, *, pictures: bool = True) -> None:
    latest = folder / LATEST
    results.save(latest)
    report.write(load(latest), folder)
    if folder.resolve() == RESULTS:
        readme.write(TREE / "README.md", load(latest))
    if pictures:
        _draw(latest, folder)
    say(f"written: {latest}, {report.FILE}")


def _draw(latest: Path, folder: Path) -> None:
    try:
        python = environment("plots", "3.12", FOLDER / "requirements" / "plots.txt")
    except Missing as reason:
        say(f"no pictures: {reason}")
        return
    command = [str(python), "-m", "sealbench.plots", str(latest.resolve()), str(folder.resolve())]
    subprocess.run(command, cwd=FOLDER, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="sealbench.publish", description=__doc__)
    parser.add_argument("rows", nargs="*", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = load(options.results / LATEST)
    for path in options.rows:
        results.replace(Row(**row) for row in json.loads(path.read_text()))
    publish(results, options.results)


if __name__ == "__main__":
    main()
