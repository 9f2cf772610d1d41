"""What pip makes of the wheels in an empty environment, where there is no Java to be found."""

import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

import sealbuf
from artifacts.installed import BARE, only, output
from harness.daemon import Daemon, running
from harness.examples import TREE, examples
from harness.public import folder_for
from harness.uids import Uid

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(300)]

FIRST, *OTHERS = examples("README.md", "python")
(SERVING,) = [example for example in OTHERS if "sealbuf.serve(" in example]


@pytest.fixture(scope="module", params=["3.11", "3.12", "3.13"])
def programs(artifacts: Path, request: pytest.FixtureRequest) -> Path:
    """The environment's `bin`; of whoever runs the tests, as pip's caches are."""
    try:
        python = output([str(TREE / "scripts/find-python"), request.param]).strip()
    except AssertionError as missing:
        pytest.skip(str(missing))
    folder = folder_for(os.getuid(), "environment")
    output([python, "-m", "venv", str(folder)])
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wheels = map(str, (artifacts / "python").glob("*.whl"))
    output([str(folder / "bin/python"), *install, *wheels])
    return folder / "bin"


@pytest.fixture
def daemon(programs: Path) -> Iterator[Daemon]:
    with running(command=[*BARE, str(programs / "sealbuf")]) as started:
        yield started


def printed(programs: Path, example: str, *variables: str) -> list[str]:
    file = folder_for(Uid.READER, "example") / "example.py"
    file.write_text(example)
    return output([*BARE, *variables, str(programs / "python"), str(file)]).splitlines()


def test_the_first_example_runs(programs: Path, daemon: Daemon) -> None:
    assert printed(programs, FIRST, f"SEALBUF_SOCKET={daemon.path}") == ["8000000 read-only: True"]


def test_serve_finds_the_daemon_that_pip_installed(programs: Path) -> None:
    assert printed(programs, SERVING) == ["True 10000000"]


def test_the_wheel_of_the_daemon_is_for_this_machine_and_brings_no_cache(artifacts: Path) -> None:
    with ZipFile(only(artifacts / "python", "sealbuf_server-*.whl")) as wheel:
        names = wheel.namelist()
    assert "sealbuf_server/launcher/bin/sealbuf" in names
    assert [name for name in names if name.endswith(("epoll_x86_64.so", "epoll_aarch_64.so"))]
    assert not [name for name in names if name.endswith(".aot")]
    assert {name.split("/")[0] for name in names if name.endswith("LICENSE")} == {
        f"sealbuf_server-{sealbuf.__version__}.dist-info"
    }
