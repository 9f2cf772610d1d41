"""What the kernel says about a process, seen from outside.

The daemon is not dumpable, so only root may look at its descriptors, mappings and memfds; as an
ordinary user those counts are None and the tests compare what is left. The machine's Shmem is not
looked at: everybody's memory is in it. Its heap cannot be asked for
(the attach mechanism is off, and that is a claim under test), so memory is judged by RssAnon; the
launcher's -Xmx bounds the heap itself.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Counts:
    descriptors: int | None
    memfd_mappings: int | None
    threads: int
    rss_anon: int


def counts(pid: int) -> Counts:
    return Counts(
        descriptors=_length(descriptors(pid)),
        memfd_mappings=_length(memfd_mappings(pid)),
        threads=int(status(pid, "Threads")),
        rss_anon=rss_anon(pid),
    )


def _length(items: list[str] | None) -> int | None:
    return None if items is None else len(items)


def descriptors(pid: int) -> list[str] | None:
    """What each open descriptor leads to."""
    targets = []
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since the listing
                targets.append(str(entry.readlink()))
    except PermissionError:
        return None
    return targets


def memfd_mappings(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/maps").read_text()
    except PermissionError:
        return None
    return [line for line in text.splitlines() if "/memfd:" in line]


def memfd_inodes(pid: int) -> dict[int, str]:
    """The memfds that a process maps or has open, by inode, with their names; only root may ask."""
    found = {}
    for line in memfd_mappings(pid) or []:
        fields = line.split(maxsplit=5)
        found[int(fields[4])] = fields[5]
    return found | {inode: name for inode, (name, _) in _open_memfds(pid).items()}


def memfd_sizes(pid: int) -> dict[int, int]:
    """What each memfd takes that a process has open or maps, by inode; only root may ask."""
    sizes = {inode: size for inode, (_, size) in _open_memfds(pid).items()}
    for line in memfd_mappings(pid) or []:
        addresses, *_, inode, _ = line.split(maxsplit=5)
        if int(inode) not in sizes:
            with suppress(FileNotFoundError):  # unmapped since the listing
                file = Path(f"/proc/{pid}/map_files/{addresses}")
                sizes[int(inode)] = file.stat().st_blocks * 512
    return sizes


def memfd_bytes(pid: int) -> int | None:
    """What the memfds that a process has open take; exact, whatever else the machine does."""
    try:
        return sum(size for _, size in _open_memfds(pid).values())
    except PermissionError:
        return None


def _open_memfds(pid: int) -> dict[int, tuple[str, int]]:
    """Name and bytes of each, by inode."""
    found = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since the listing
            target = str(entry.readlink())
            if target.startswith("/memfd:"):
                at = entry.stat()
                found[at.st_ino] = target, at.st_blocks * 512
    return found


def status(pid: int, name: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise AssertionError(f"no such line in /proc/PID/status: pid={pid} name={name}")


def cpu_seconds(pid: int) -> float:
    """What a process, all its threads, has spent on CPUs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def states_of_threads(pid: int) -> list[str]:
    """A letter each, as proc(5) has them: `R` runs, `S` sleeps, `T` is stopped."""
    stats = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [text.rpartition(")")[2].split()[0] for text in stats]


def rss_anon(pid: int) -> int:
    """Bytes of private memory in RAM; shared pages, such as buffers, are not in it."""
    return int(status(pid, "RssAnon").split()[0]) * 1024
