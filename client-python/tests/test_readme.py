"""What the README shows runs as it stands."""

import pytest

from harness.daemon import LAUNCHER_FOLDER, Daemon
from harness.examples import examples, java_home, run, run_python
from harness.public import reachable
from harness.uids import Uid

PYTHON, JAVA = (examples("README.md", language) for language in ("python", "java"))


def test_the_python_example_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_python(daemon, "example.py", PYTHON[0])
    finally:
        delete(daemon, "greeting", "ones")
    assert printed == "8000000 read-only: True\n"


def test_the_python_example_of_waiting_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_python(daemon, "waiting.py", PYTHON[1])
    finally:
        delete(daemon, "part/2", "table")
    assert printed == "b'two' b'uno' 1000 ['part/1', 'part/2']\n"


def test_the_python_example_of_arrays_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_python(daemon, "arrays.py", PYTHON[2])
    finally:
        delete(daemon, "rows", "images")
    assert printed == "float32 5.0 (64, 224, 224, 3) False\n"


def test_the_python_example_of_handles_prints_what_it_says(daemon: Daemon) -> None:
    printed = run_python(daemon, "handles.py", PYTHON[3])
    assert printed == "True 10000000\n"


@pytest.mark.one_version
@pytest.mark.timeout(90)
def test_the_java_example_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_java(daemon, JAVA[0])
    finally:
        delete(daemon, "frame")
    assert printed == "frame: 8388608 bytes, read-only: true\n"


@pytest.mark.one_version
@pytest.mark.timeout(90)
def test_the_java_example_of_waiting_prints_what_it_says(daemon: Daemon) -> None:
    try:
        printed = run_java(daemon, JAVA[1])
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


def delete(daemon: Daemon, *names: str) -> None:
    with daemon.open(Uid.READER) as client:
        for name in names:
            client.ask("delete", name=name)
