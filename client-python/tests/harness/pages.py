"""What a page of the documents shows, done as its reader would do it.

The blocks of a page are run in their order, by a reader's uid, in one folder and one shell; the
folder looks like the repository where the page uses it. A line that ends in "`NAME`:" makes the
block behind it that file; a block of Python without a name is a program and is run. Shell is run as
it stands. What a program prints has to be what its comments say, and what shell prints is in the
block of `text` behind it, if there is one.
"""

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.daemon import LAUNCHER_FOLDER, Daemon, launcher
from harness.examples import TREE, claimed, compiled, java_home
from harness.public import folder_for, python_environment, reachable
from harness.uids import Uid, as_uid

SECONDS = 150

_BLOCK = re.compile(
    r"(?:^[^\n]*`(?P<file>[\w-]+\.\w+)`[^`\n]*:\n\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    file: str | None = None


@dataclass(frozen=True)
class Step:
    command: str
    code: str
    prints: list[str] | None
    """None: the page does not say."""


def blocks(page: str) -> list[Block]:
    found = _BLOCK.finditer((TREE / page).read_text())
    return [Block(each["language"], each["code"], each["file"]) for each in found]


def steps(page: list[Block]) -> list[Step]:
    """What is run, in order."""
    run = []
    for at, block in enumerate(page):
        if block.language == "sh":
            after = page[at + 1] if at + 1 < len(page) else None
            said = after.code.splitlines() if after and after.language == "text" else None
            run.append(Step(block.code, block.code, said))
        elif block.language == "python" and block.file is None:
            command = f".venv/bin/python program-{at}.py\n"
            run.append(Step(command, block.code, claimed(block.code)))
    return run


def follow(
    page: str,
    daemon: Daemon,
    *,
    packages: Path | None,
    jars: Path | None,
    around: Sequence[str] = (),
) -> None:
    """Runs a page, and fails where something else is printed than it says, or anything complains.

    `packages`: a folder of what its Python has beside the client and NumPy. `jars` is its folder
    `arrow`. `around` is a command that runs the command behind it.
    """
    folder = workplace(packages)
    if jars:
        (folder / "arrow").symlink_to(reachable(jars))
    shown = blocks(page)
    for at, block in enumerate(shown):
        if block.file or block.language == "python":
            (folder / (block.file or f"program-{at}.py")).write_text(block.code)
    todo = steps(shown)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
    shell = as_uid(Uid.READER, ["bash", "-c", script(todo)])
    done = subprocess.run(  # with what runs in the background it is one group, and ends as one
        ["timeout", "--signal=KILL", str(SECONDS), *around, *shell], cwd=folder,
        env=environment(folder, daemon), capture_output=True, text=True, check=False,
    )  # fmt: skip
    outputs = [folder / f"{at}.out" for at in range(len(todo))]
    if done.returncode != 0:
        begun = [step for step, output in zip(todo, outputs, strict=True) if output.exists()]
        code = begun[-1].code if begun else ""
        raise AssertionError(f"failed: status={done.returncode}\n{done.stderr}\n{code}")
    for step, output in zip(todo, outputs, strict=True):
        printed = output.read_text().splitlines()
        if step.prints is not None and printed != step.prints:
            raise AssertionError(f"printed {printed}, not {step.prints}, by:\n{step.code}")
    if done.stderr:
        raise AssertionError(f"complained:\n{done.stderr}")


def script(todo: list[Step]) -> str:
    """One shell for all steps, so that what one starts the next can stop; each prints to a file."""
    parts = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    parts += [f"{{\n{step.command}}} >{at}.out" for at, step in enumerate(todo)]
    return "\n".join(parts)


def workplace(packages: Path | None) -> Path:
    """A folder with `.venv` and `server` as in the repository."""
    folder = folder_for(Uid.READER, "page")
    interpreter, variables = python_environment()
    path = variables["PYTHONPATH"]
    if packages:
        path = f"{reachable(packages)}:{path}"
    given = [f"{name}={text}" for name, text in {**variables, "PYTHONPATH": path}.items()]
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec env {shlex.join([*given, interpreter])} "$@"\n')
    (folder / "server" / "target").mkdir(parents=True)
    (folder / "server" / "target" / "sealbuf").symlink_to(reachable(LAUNCHER_FOLDER))
    return folder


def environment(folder: Path, daemon: Daemon) -> dict[str, str]:
    return {
        "PATH": f"{folder}/.venv/bin:{java_home()}/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PYTHONPYCACHEPREFIX": compiled(),
        "SEALBUF_LAUNCHER": str(launcher()),
        "JAVA25_HOME": java_home(),
        "SEALBUF_SOCKET": daemon.path,
    }
