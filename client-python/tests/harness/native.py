"""Small C programs, compiled once a run. Without gcc the tests that need one are skipped."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from harness.public import public_folder


def compiled(source: Path) -> Path:
    """The program made from `source`, in a folder that every uid can read."""
    return _compiled(source, source.stem)


def preloaded(source: Path) -> Path:
    """A shared library made from `source`, for LD_PRELOAD."""
    return _compiled(source, f"{source.stem}.so", "-shared", "-fPIC")


@cache
def _compiled(source: Path, name: str, *options: str) -> Path:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("needs gcc to compile the attack programs")
    program = public_folder() / name
    flags = ["-O1", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread", *options]
    done = subprocess.run(
        [gcc, *flags, "-o", str(program), str(source)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"does not compile: source={source}\n{done.stderr}")
    program.chmod(0o755)
    return program
