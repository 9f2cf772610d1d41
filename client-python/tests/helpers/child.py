"""Child processes of an ordinary user that run a piece of Python: what they say, how they end."""

import os
import subprocess
from collections.abc import Sequence
from textwrap import dedent

from harness.public import python_environment
from harness.uids import Uid, as_uid


def command(
    code: str, *arguments: str, uid: int = Uid.PRODUCER, under: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """The command that runs `code`, with the stack printed if it dies, and its environment."""
    python, variables = python_environment()
    program = [*under, python, "-X", "faulthandler", "-c", dedent(code), *arguments]
    return as_uid(uid, program), {**os.environ, **variables}


def run(
    code: str, *arguments: str, seconds: float = 25, under: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    program, environment = command(code, *arguments, under=under)
    return subprocess.run(
        program, env=environment, capture_output=True, text=True, check=False, timeout=seconds
    )


def start(code: str, *arguments: str, uid: int = Uid.PRODUCER) -> subprocess.Popen[str]:
    """Starts it, to talk with through its standard input and output."""
    program, environment = command(code, *arguments, uid=uid)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        program, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def output(code: str, *arguments: str, seconds: float = 25, under: Sequence[str] = ()) -> str:
    """What it prints; it must end with status 0 and say nothing on standard error."""
    done = run(code, *arguments, seconds=seconds, under=under)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
