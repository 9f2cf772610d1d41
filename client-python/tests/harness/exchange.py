"""The halves, in Java and in Python, of tests in which each reads what the other published."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

from harness.public import public_folder, python_environment, reachable
from harness.uids import as_uid

Program: TypeAlias = tuple[list[str], dict[str, str]]
"""A command, and the variables that it needs."""
Half: TypeAlias = Callable[[str], Program]
"""Makes a program of the name of its exchange, as in `scenario`."""

ROOT = Path(__file__).parents[3]


@cache
def readable(file: Path) -> str:
    """A copy of a file, where every uid can read it."""
    copy = public_folder() / file.name
    copy.write_bytes(file.read_bytes())
    return str(copy)


def python(exchange: str) -> Program:
    interpreter, variables = python_environment()
    tests = reachable(Path(__file__).parents[1])
    return [interpreter, str(tests / f"{exchange}_main.py")], variables


def java(exchange: str) -> Program:
    """The Java half, from the classes that `make build` compiled."""
    found = subprocess.run(
        [ROOT / "scripts" / "find-jdk"], capture_output=True, text=True, check=True
    ).stdout.strip()
    target = ROOT / "server" / "target"
    path = [reachable(target / "test-classes"), reachable(target / "sealbuf") / "lib" / "*"]
    options = ["--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    main = f"dev.sealbuf.client.{exchange.capitalize()}Main"
    return [f"{found}/bin/java", *options, "-cp", os.pathsep.join(map(str, path)), main], {}


PAIRS = [
    pytest.param(python, python, id="python-python"),
    pytest.param(python, java, id="python-java"),
    pytest.param(java, python, id="java-python"),
    pytest.param(java, java, id="java-java", marks=pytest.mark.one_version),
]
"""Every producer with every reader."""


def start(
    program: Program, uid: int, arguments: list[str], lines: str = ""
) -> subprocess.CompletedProcess[str]:
    command, variables = program
    return subprocess.run(
        as_uid(uid, [*command, *arguments]),
        env={**os.environ, **variables}, input=lines, capture_output=True, encoding="utf-8",
        check=False, timeout=60,
    )  # fmt: skip


def run(program: Program, uid: int, arguments: list[str], lines: str = "") -> str:
    """What it prints; it must not complain."""
    done = start(program, uid, arguments, lines)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@contextmanager
def publication(program: Program, uid: int, arguments: list[str], lines: int) -> Iterator[str]:
    """So many lines that a program prints which publishes; it may stay as long as the block."""
    command, variables = program
    with subprocess.Popen(
        as_uid(uid, [*command, *arguments]),
        env={**os.environ, **variables}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdout
        yield "".join(process.stdout.readline() for _ in range(lines))
        rest, _ = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")
