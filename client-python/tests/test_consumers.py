"""What becomes of a Buffer in the hands of 25 others, and that none of them can change it: the
table of `docs/consumers.md`.

Here those run that are installed, on this version of Python, and must be as the table says.
`scripts/consumers` installs all on every version, has this test write down what it sees
(`--consumers FILE`) instead of comparing, and makes the table of it.
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.daemon import Daemon, running
from harness.public import folder_for, python_environment, reachable
from harness.uids import Uid, as_uid
from helpers.tables import sections

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(600)]

PROGRAM = Path(__file__).parent / "consumers" / "main.py"
MODULES = {"DLPack": "numpy", "Cython view": "Cython", "os.writev": "os", "io.BytesIO": "io"}
CONSUMERS = [
    "numpy", "pyarrow", "torch", "pandas", "polars", "struct", "zlib", "hashlib", "json", "orjson",
    "ssl", "socket", "os.writev", "re", "PIL", "h5py", "safetensors", "cffi", "ctypes",
    "Cython view", "numba", "DLPack", "pickle", "io.BytesIO", "multiprocessing",
]  # fmt: skip
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PAGE = "../docs/consumers.md"
NBYTES, FULL_NBYTES = 8 << 20, 1 << 30


def installed(consumer: str) -> bool:
    return find_spec(MODULES.get(consumer, consumer)) is not None


def program(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    python, variables = python_environment()
    include = reachable(Path(sysconfig.get_paths()["include"]))  # for Cython
    home = folder_for(Uid.PRODUCER, "home")
    path = reachable(PROGRAM.parent) / PROGRAM.name
    return subprocess.run(
        as_uid(Uid.PRODUCER, [python, str(path), daemon.path, "text", *arguments]),
        env={**os.environ, **variables, "CPATH": str(include), "HOME": str(home)},
        cwd=home, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip


def told(daemon: Daemon, *arguments: str) -> str:
    """What it prints, or which signal was the end of it."""
    done = program(daemon, *arguments)
    if done.returncode < 0:
        return f"kills the writer: {signal.Signals(-done.returncode).name}"
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def publishing(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon that has a text of JSON, large enough to see copies of it."""
    nbytes = FULL_NBYTES if request.config.option.soak else NBYTES
    with running(capacity="3GiB") as daemon:
        assert told(daemon, "publish", str(nbytes)) == "published"
        yield daemon
        assert told(daemon, "check", str(nbytes)) == "as published"


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares with the table, or writes down for it."""
    file: Path | None = request.config.option.consumers

    def check(consumer: str, seen: str) -> None:
        if file is not None:
            known = json.loads(file.read_text()) if file.exists() else {}
            file.write_text(json.dumps({**known, consumer: seen}, indent=1))
            return
        header, *rows = sections(PAGE, header=True)["Consumers"]
        row = {row[0].strip("`"): row for row in rows}[consumer]
        assert row[header.index(f"Python {VERSION}")] == seen

    return check


@pytest.mark.shows(59)
@pytest.mark.parametrize("consumer", [each for each in CONSUMERS if installed(each)])
def test_a_consumer_does_what_the_table_says_and_changes_nothing(
    publishing: Daemon, cell: Callable[[str, str], None], consumer: str
) -> None:
    use, write = (told(publishing, what, consumer) for what in ("use", "write"))
    assert write != "CHANGED"
    assert not use.startswith("missing"), use
    cell(consumer, f"{use}; {write}")


def test_the_table_has_every_consumer_on_every_version() -> None:
    header, *rows = sections(PAGE, header=True)["Consumers"]
    assert [row[0].strip("`") for row in rows] == CONSUMERS
    assert header[1:] == ["Python 3.11", "Python 3.12", "Python 3.13"]
    assert len(CONSUMERS) == 25
    assert all(len(row) == 4 and all(row) for row in rows)
