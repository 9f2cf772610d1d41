"""What the README shows runs as it stands."""

import re
import subprocess
from pathlib import Path

import pytest

from harness.daemon import LAUNCHER_FOLDER, Daemon, launcher
from harness.public import folder_for, python_environment, reachable
from harness.uids import Uid, as_uid

TREE = Path(__file__).parents[2]


def example(language: str, number: int = 0) -> str:
    readme = (TREE / "README.md").read_text()
    return str(re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)[number])


def run(daemon: Daemon, file: str, code: str, command: list[str], **variables: str) -> str:
    """What the program prints when a reader's uid runs it."""
    path = folder_for(Uid.READER, "readme") / file
    path.write_text(code)
    environment = {"PATH": "/usr/bin:/bin", "SEALBUF_SOCKET": daemon.path, **variables}
    return subprocess.check_output(
        as_uid(Uid.READER, [*command, str(path)]), env=environment, text=True, timeout=60
    )


def test_the_python_example_prints_what_it_says(daemon: Daemon) -> None:
    interpreter, variables = python_environment()
    try:
        printed = run(daemon, "example.py", example("python"), [interpreter], **variables)
    finally:
        delete(daemon, "greeting", "ones")
    assert printed == "8000000 read-only: True\n"


def test_the_python_example_of_waiting_prints_what_it_says(daemon: Daemon) -> None:
    interpreter, variables = python_environment()
    try:
        printed = run(daemon, "waiting.py", example("python", 1), [interpreter], **variables)
    finally:
        delete(daemon, "part/2", "table")
    assert printed == "b'two' b'uno' 1000 ['part/1', 'part/2']\n"


def test_the_python_example_of_handles_prints_what_it_says(daemon: Daemon) -> None:
    interpreter, variables = python_environment()
    variables |= {"SEALBUF_LAUNCHER": str(launcher()), "JAVA25_HOME": java_home()}
    printed = run(daemon, "handles.py", example("python", 2), [interpreter], **variables)
    assert printed == "True 10000000\n"


@pytest.mark.timeout(90)
def test_the_java_example_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_java(daemon, example("java"))
    finally:
        delete(daemon, "frame")
    assert printed == "frame: 8388608 bytes, read-only: true\n"


@pytest.mark.timeout(90)
def test_the_java_example_of_waiting_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_java(daemon, example("java", 1))
    finally:
        delete(daemon, "piece/2", "index")
    assert printed == "piece/2 3 3 1000\n"


def run_java(daemon: Daemon, code: str) -> str:
    libraries = reachable(LAUNCHER_FOLDER) / "lib"
    command = [
        f"{java_home()}/bin/java",
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        f"{libraries}/*",
    ]
    return run(daemon, "Example.java", code, command)


def java_home() -> str:
    return subprocess.check_output([TREE / "scripts/find-jdk"], text=True).strip()


def delete(daemon: Daemon, *names: str) -> None:
    with daemon.open(Uid.READER) as client:
        for name in names:
            client.ask("delete", name=name)
