"""Java and Python read each other's buffers: every combination over `protocol/scenarios.json`."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

from harness.daemon import Daemon
from harness.public import public_folder, python_environment, reachable
from harness.uids import Uid, as_uid
from helpers.tables import PROTOCOL

Program: TypeAlias = tuple[list[str], dict[str, str]]
"""A command, and the variables that it needs."""

pytestmark = pytest.mark.daemon

ROOT = PROTOCOL.parent
SCENARIOS = PROTOCOL / "scenarios.json"
COUNT = len(json.loads(SCENARIOS.read_text(encoding="utf-8")))


@cache
def scenarios() -> str:
    """The list, where every uid can read it."""
    copy = public_folder() / SCENARIOS.name
    copy.write_bytes(SCENARIOS.read_bytes())
    return str(copy)


def python() -> Program:
    interpreter, variables = python_environment()
    return [interpreter, str(reachable(Path(__file__).parent) / "scenario_main.py")], variables


def java() -> Program:
    """The Java half, from the classes that `make build` compiled."""
    found = subprocess.run(
        [ROOT / "scripts" / "find-jdk"], capture_output=True, text=True, check=True
    ).stdout.strip()
    target = ROOT / "server" / "target"
    path = [reachable(target / "test-classes"), reachable(target / "sealbuf") / "lib" / "*"]
    options = ["--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    program = ["-cp", os.pathsep.join(map(str, path)), "dev.sealbuf.client.ScenarioMain"]
    return [f"{found}/bin/java", *options, *program], {}


def start(
    program: Program, uid: int, task: str, socket: str, lines: str = ""
) -> subprocess.CompletedProcess[str]:
    command, variables = program
    return subprocess.run(
        as_uid(uid, [*command, task, socket, scenarios()]),
        env={**os.environ, **variables}, input=lines, capture_output=True, encoding="utf-8",
        check=False, timeout=60,
    )  # fmt: skip


def run(program: Program, uid: int, task: str, socket: str, lines: str = "") -> str:
    done = start(program, uid, task, socket, lines)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@contextmanager
def publication(program: Program, socket: str) -> Iterator[str]:
    """What the program prints that publishes; it stays as long as the block."""
    command, variables = program
    with subprocess.Popen(
        as_uid(Uid.PRODUCER, [*command, "publish", socket, scenarios()]),
        env={**os.environ, **variables}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        yield "".join(process.stdout.readline() for _ in range(COUNT))
        rest, _ = process.communicate(timeout=60)
        assert (process.returncode, rest) == (0, "")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("reader", [python, java])
@pytest.mark.parametrize("producer", [python, java])
def test_each_reads_what_the_other_published(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]],
    producer: Callable[[], Program],
    reader: Callable[[], Program],
) -> None:
    with fresh_daemon() as daemon, publication(producer(), daemon.path) as published:
        verified = run(reader(), Uid.READER, "verify", daemon.path, published)
    assert verified == f"verified {COUNT}\n"


@pytest.mark.timeout(120)
def test_a_difference_is_found(daemon: Daemon) -> None:
    """The negative control: what was published under another list is not verified."""
    with publication(python(), daemon.path) as published:
        swapped = published.replace("scenario/63\n", "scenario/65\n")
        assert swapped != published
        done = start(python(), Uid.READER, "verify", daemon.path, swapped)
    assert done.returncode == 1
    assert done.stdout == ""
    claim = "one byte less than a unit of alignment"
    assert done.stderr.splitlines() == [
        f"{claim}: name is 'scenario/65', not 'scenario/63'",
        f"{claim}: nbytes is 65, not 63",
        f"{claim}: bytes is False, not True",
    ]
