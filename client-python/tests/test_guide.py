"""What `docs/python.md` shows runs as it stands, and prints what it says."""

from collections.abc import Iterator

import pytest

import sealbuf
from harness.daemon import Daemon, running
from harness.examples import claimed, examples, run_python
from harness.uids import Uid
from helpers.tables import sections
from sealbuf import _errors as errors

PAGE = "docs/python.md"
EXAMPLES = examples(PAGE, "python")


@pytest.fixture(scope="module")
def guided() -> Iterator[Daemon]:
    """The examples' own daemon."""
    with running() as daemon:
        yield daemon


@pytest.mark.daemon
@pytest.mark.timeout(90)
@pytest.mark.parametrize("at", range(len(EXAMPLES)))
def test_an_example_prints_what_it_says(guided: Daemon, at: int) -> None:
    printed = run_python(guided, "example.py", EXAMPLES[at])
    assert printed.splitlines() == claimed(EXAMPLES[at]), EXAMPLES[at]
    forget_all(guided)


def forget_all(daemon: Daemon) -> None:
    """So that no example needs another, nor stands in its way."""
    with daemon.open(Uid.READER) as client:
        for entry in client.entries(""):
            client.ask("delete", name=entry["name"])  # unless it has just gone by itself


def test_every_error_has_a_row_with_what_else_it_is() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in sections(f"../{PAGE}")["Errors"]}
    assert documented == {kind.__name__: also(kind) for kind in errors.BY_CODE.values()}


def also(kind: type[sealbuf.Error]) -> str:
    """What a program may catch in its place, but for `Error`."""
    return next((base.__name__ for base in kind.__bases__[::-1] if base is not sealbuf.Error), "")
