"""The examples of a page: found, run as a user runs them, and what they say that they print.

A comment behind `print(...)` is the line that it prints; comments at the end of an example are
lines that it prints too. `A; on 3.11: B` is B there and A since.
"""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from harness.daemon import Daemon, launcher
from harness.public import folder_for, python_environment
from harness.uids import Uid, as_uid

TREE = Path(__file__).parents[3]
SECONDS = 60.0

_PRINTED = re.compile(r"^ *print\(.*\) +# (.*)$", re.MULTILINE)
_AT_THE_END = re.compile(r"(?:^# .*\n)+\Z", re.MULTILINE)
_ON_3_11 = "; on 3.11: "


def examples(page: str, language: str) -> list[str]:
    """The blocks of that language, as they stand."""
    text = (TREE / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def claimed(example: str) -> list[str]:
    """The lines that a Python example says it prints on this version."""
    at = 0 if sys.version_info >= (3, 12) else -1
    last = _AT_THE_END.search(example)
    lines = _PRINTED.findall(example)
    lines += [line.removeprefix("# ") for line in last.group().splitlines()] if last else []
    return [line.split(_ON_3_11)[at] for line in lines]


def run(daemon: Daemon, file: str, code: str, command: list[str], **variables: str) -> str:
    """What the program prints when a reader's uid runs it; it must not complain."""
    path = folder_for(Uid.READER, "example") / file
    path.write_text(code)
    path.chmod(0o644)
    environment = {"PATH": "/usr/bin:/bin", "SEALBUF_SOCKET": daemon.path, **variables}
    done = subprocess.run(
        as_uid(Uid.READER, [*command, str(path)]), env=environment, capture_output=True,
        text=True, check=False, timeout=SECONDS, cwd=path.parent,
    )  # fmt: skip
    if (done.returncode, done.stderr) != (0, ""):
        raise AssertionError(f"failed: status={done.returncode}\n{done.stderr}\n{code}")
    return done.stdout


def run_python(daemon: Daemon, file: str, code: str) -> str:
    """The same in Python, which may start daemons of its own."""
    interpreter, variables = python_environment()
    variables = {
        name: value for name, value in variables.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    variables |= {"SEALBUF_LAUNCHER": str(launcher()), "JAVA25_HOME": java_home()}
    return run(daemon, file, code, [interpreter], PYTHONPYCACHEPREFIX=compiled(), **variables)


@cache
def compiled() -> str:
    """A folder for what Python compiles, or each example would compile NumPy again."""
    return str(folder_for(Uid.READER, "compiled"))


def java_home() -> str:
    given = os.environ.get("JAVA25_HOME")
    return given or subprocess.check_output([TREE / "scripts/find-jdk"], text=True).strip()
