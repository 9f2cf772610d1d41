"""Reads the output of a fuzzing run and shows what people want to see of it: which target, how far
it is, what it found; and at the end one line of coverage a target.

    TARGET                    inputs     edges  features    corpus
    SessionFuzzTest            12345      4548     12803       428
"""

import re
import sys
from collections.abc import Iterable

RUNNING = re.compile(r"\[INFO\] Running \S*\.(\w+)$")
PROGRESS = re.compile(
    r"#(\d+)\s+(?:INITED|NEW|REDUCE|RELOAD|pulse|DONE)\s+cov: (\d+) ft: (\d+) corp: (\d+)/"
)
SHOWN = re.compile(
    r"#\d+\s+(INITED|pulse|DONE) |INFO: Seed: |== Java Exception|reproducer|Tests run:|BUILD|ERROR"
)


def follow(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The last figures of each target."""
    reached: dict[str, tuple[str, ...]] = {}
    target = ""
    for line in lines:
        if running := RUNNING.match(line):
            target = running[1]
            sys.stdout.write(f"\n{target}\n")
        elif SHOWN.search(line):
            sys.stdout.write(f"  {line.rstrip()}\n")
        if progress := PROGRESS.match(line):
            reached[target] = progress.groups()
        sys.stdout.flush()
    return reached


def main() -> None:
    reached = follow(sys.stdin)
    header = ("inputs", "edges", "features", "corpus")
    sys.stdout.write(f"\n{'':28}" + "".join(f"{title:>10}" for title in header) + "\n")
    for target, figures in reached.items():
        sys.stdout.write(f"{target:28}" + "".join(f"{figure:>10}" for figure in figures) + "\n")


if __name__ == "__main__":
    main()
