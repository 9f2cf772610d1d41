"""What the kernel says of processes: the cores they may use, their memory, their time."""

import os
from pathlib import Path


def pin(cores: list[int]) -> None:
    os.sched_setaffinity(0, cores)


def pss_bytes(pid: int) -> int:
    """Its share of all memory that it maps."""
    return _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") << 10


def rss_bytes(pid: int) -> int:
    """Anonymous and file pages: without shared memory, which is data."""
    status = Path(f"/proc/{pid}/status")
    return (_field(status, "RssAnon:") + _field(status, "RssFile:")) << 10


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """That process and all below it."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(below for child in children for below in descendants(child))]


def _field(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
