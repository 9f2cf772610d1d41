"""Child processes that run a piece of Python: what they print, and how they end."""

import subprocess
import sys
from textwrap import dedent


def run(code: str, *arguments: str, seconds: float = 20) -> subprocess.CompletedProcess[str]:
    """Runs `code` in a process of its own, with the stack of every thread printed if it dies."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", dedent(code), *arguments],
        capture_output=True, text=True, check=False, timeout=seconds,
    )  # fmt: skip


def output(code: str, *arguments: str, seconds: float = 20) -> str:
    """What it prints; it must end with status 0 and say nothing on standard error."""
    done = run(code, *arguments, seconds=seconds)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
