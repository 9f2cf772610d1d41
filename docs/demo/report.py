"""What the demo prints at its end: tables of what the workers computed and the kernel said."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

Photograph = Mapping[str, Any]
Report = Mapping[str, Any]
Fields = Sequence[str]


def say(text: str = "") -> None:
    print(text, flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under a header, in columns as wide as they need."""
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def photographs(seen: Sequence[Photograph]) -> None:
    say("\nWhat the workers computed from the shared pages")
    rows = []
    for photo in sorted(seen, key=lambda photo: photo["name"]):
        height, width, _ = photo["shape"]
        counted = sum(map(sum, photo["histograms"]))
        rows.append([photo["name"], f"{width} x {height}", *photo["mean"], counted, photo["pid"]])
    table(["photograph", "size", "mean R", "mean G", "mean B", "bytes counted", "worker"], rows)


def sharing(reports: Sequence[Report], figures: Sequence[Mapping[str, int]]) -> None:
    """`figures` are those of /proc/PID/smaps while every worker had the pages mapped."""
    say("\nThe large file: one copy in memory, seen by every worker (KiB, from /proc/PID/smaps)")
    rows = []
    for report, kib in zip(reports, figures, strict=True):
        private = kib["Private_Clean"] + kib["Private_Dirty"]
        seconds = f"{report['sha256_seconds']:.2f} s"
        rows.append([report["pid"], report["nbytes"], kib["Rss"], kib["Pss"], private, seconds])
    table(["worker", "bytes read", "Rss", "Pss", "private", "SHA-256 in"], rows)
    rss, pss = (sum(kib[field] for kib in figures) for field in ("Rss", "Pss"))
    say(f"sum of Rss {rss} KiB, of Pss (what it takes in all) {pss} KiB")


def attempts(verdicts: Sequence[Fields]) -> list[str]:
    """Prints them; those that were not refused."""
    say("\nAttempts to change it")
    table(["attempt", "ended with"], verdicts)
    return [what for what, verdict in verdicts if verdict in {"WRITTEN", ""}]


def published(lines: Sequence[Fields]) -> None:
    nbytes = sum(int(line[2]) for line in lines)
    seconds = sum(int(line[3]) for line in lines) / 1e9
    say(
        f"\npublished {len(lines)} buffers, {nbytes} bytes in {seconds:.2f} s "
        "(decoding and reading the file included)"
    )


def digests(file: str, offset: str, nbytes: str, computed: set[str]) -> list[str]:
    """Compares what the workers computed with the system's sha256sum; what is wrong."""
    tail = subprocess.Popen(["tail", "-c", f"+{int(offset) + 1}", file], stdout=subprocess.PIPE)
    expected = subprocess.check_output(["sha256sum"], stdin=tail.stdout, text=True).split()[0]
    tail.wait()
    say(f"{file} from byte {offset}, {nbytes} bytes")
    say(f"  sha256sum    {expected}")
    say(f"  the workers  {' '.join(sorted(computed))}  (before and after the attempts)")
    return [] if computed == {expected} else ["the SHA-256 differs"]
