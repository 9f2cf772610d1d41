"""What `docs/python.md` shows runs as it stands, and prints what it says."""

from collections.abc import Iterator

import pytest

import sealbuf
from harness.daemon import Daemon, running
from harness.examples import TREE, claimed, examples, run_python
from harness.uids import Uid
from helpers.tables import sections
from sealbuf import _errors as errors
from sealbuf import _limits as limits
from sealbuf import _memory as memory

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
    try:
        printed = run_python(guided, "example.py", EXAMPLES[at])
    finally:
        forget_all(guided)
    assert printed.splitlines() == claimed(EXAMPLES[at]), EXAMPLES[at]


def test_every_block_of_python_is_an_example() -> None:
    assert len(EXAMPLES) == (TREE / PAGE).read_text().count("```python") > 0


def forget_all(daemon: Daemon) -> None:
    """So that no example needs another, nor stands in its way."""
    with daemon.open(Uid.READER) as client:
        for entry in client.entries(""):
            client.ask("delete", name=entry["name"])  # unless it has just gone by itself


def test_every_error_has_a_row_with_what_else_it_is() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in sections(f"../{PAGE}")["Errors"]}
    assert documented == {kind.__name__: also(kind) for kind in errors.BY_CODE.values()}


def test_limits_are_those_of_the_protocol() -> None:
    documented = dict(sections(f"../{PAGE}")["Limits"])
    assert documented["a name"].startswith(f"1 to {limits.NAME_MAX} bytes of UTF-8")
    assert documented["axes, a format, metadata"] == (
        f"{limits.NDIM_MAX}, {limits.FORMAT_MAX} bytes, {limits.METADATA_MAX} bytes"
    )
    assert documented["a batch of `put_many`"] == f"{limits.BATCH_MAX} buffers"
    assert documented["handles waiting to be opened"] == f"{limits.HOLDS_MAX} a user"
    mappings = documented["open buffers of their own segment"]
    assert mappings.startswith(f"{memory.MAPPINGS_MAX} a process")


def also(kind: type[sealbuf.Error]) -> str:
    """What a program may catch in its place, but for `Error`."""
    return next((base.__name__ for base in kind.__bases__[::-1] if base is not sealbuf.Error), "")
