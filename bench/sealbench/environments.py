"""A virtual environment for each peer in `bench/.envs`, made at first use, versions pinned."""

import subprocess
from pathlib import Path

from sealbench.peers import FOLDER, TREE, Spec

ENVIRONMENTS = FOLDER / ".envs"


class Missing(Exception):
    """Something that cannot be had on this machine; the message is the reason."""


def python_of(spec: Spec) -> Path:
    """The interpreter that runs this peer."""
    if spec.python is None:
        return TREE / ".venv" / "bin" / "python"
    return environment(spec.name, spec.python, spec.requirements)


def environment(name: str, version: str, requirements: Path) -> Path:
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    stamp = folder / ".ready"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return python
    base = _said([str(TREE / "scripts" / "find-python"), version])
    print(f"{name}: installing {', '.join(requirements.read_text().split())}", flush=True)
    _said([base, "-m", "venv", "--clear", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _said([*pip, "--requirement", str(requirements)])
    stamp.write_text(requirements.read_text())
    return python


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines
        raise Missing(errors[-1] if errors else f"status={done.returncode}: {command}")
    return done.stdout.strip()
