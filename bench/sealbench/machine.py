"""What it was measured on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sealbench.peers import TREE


def header(plan: str) -> dict[str, Any]:
    return {
        "made": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "plan": plan,
        "tree": _said(["git", "describe", "--always", "--dirty"]),
        "machine": {
            "processor": _field("/proc/cpuinfo", "model name"),
            "cores": len(os.sched_getaffinity(0)),
            "memory": _field("/proc/meminfo", "MemTotal"),
            "kernel": platform.release(),
            "huge_pages": _text("/sys/kernel/mm/transparent_hugepage/enabled"),
            "huge_pages_shmem": _text("/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
            "load_before": os.getloadavg()[0],
        },
    }


def memory_available() -> int:
    """In bytes, now."""
    return int(_field("/proc/meminfo", "MemAvailable").split()[0]) << 10


def _field(path: str, name: str) -> str:
    for line in _text(path).splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def _said(command: list[str]) -> str:
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
