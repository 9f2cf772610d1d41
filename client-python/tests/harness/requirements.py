"""Packages that a page of the documents needs and the client does not."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from harness.examples import TREE


class Missing(Exception):
    """What cannot be had for this version of Python; the message is pip's reason."""


@cache
def packages(name: str) -> Path:
    """The folder with what docs/requirements/NAME.txt pins, installed at first use and kept."""
    pins = TREE / "docs" / "requirements" / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = TREE / "docs" / ".envs" / f"{name}-{version}"
    stamp = folder / ".ready"
    if not (stamp.exists() and stamp.read_text() == pins.read_text()):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        installed = subprocess.run(
            [*pip, "--upgrade", "--target", str(folder), "--requirement", str(pins)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if installed.returncode != 0:
            raise Missing(installed.stderr.strip().splitlines()[-1])
        stamp.write_text(pins.read_text())
    return folder
