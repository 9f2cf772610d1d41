"""Tests of the client against a real daemon; the body of each runs in a forked copy of pytest.

The copy has the uid of a producer, or that of the mark `@pytest.mark.uid(Uid.READER)`, and no
capabilities: nothing that is tested runs as root. Fixtures run here, before the fork, so they only
prepare; what connects is in the body. A copy that dies is a failure with the signal's name, and
what it leaves behind (descriptors, mappings, sessions) goes with it. A coroutine runs in an event
loop there, that of the fixture `loop_factory` if there is one.
"""

import asyncio
import inspect
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.daemon import Daemon, launcher
from harness.public import python_environment, reachable
from harness.uids import GROUP, Uid
from helpers import copies
from sealbuf import _guard as guard

# What numpy loads on first use is loaded before a copy loses the right to read this Python's files.
np.array2string(np.zeros(1))

_unique = count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "uid(uid, groups=...): who runs the body of the test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("daemon")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    def body() -> None:
        outcome = pyfuncitem.obj(**arguments)
        if inspect.iscoroutine(outcome):
            factory: Any = pyfuncitem.funcargs.get("loop_factory")
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(outcome)

    mark = pyfuncitem.get_closest_marker("uid") or pytest.mark.uid(Uid.PRODUCER).mark
    groups = mark.kwargs.get("groups", (GROUP,))
    status, text = copies.run(body, mark.args[0], groups)
    if status == copies.SKIPPED:
        pytest.skip(text)
    if status != copies.PASSED:
        pytest.fail(text, pytrace=False)
    return True


@pytest.fixture
def name() -> str:
    """A name that no other test uses. The daemon is shared, and so is its store."""
    return f"test/{next(_unique)}"


@pytest.fixture
def foreign(daemon: Daemon, name: str) -> Iterator[str]:
    """The name of a buffer that somebody else published."""
    taken = f"{name}/foreign"
    with daemon.open(Uid.READER) as client:
        client.expect("published", "put", b"theirs", name=taken)
        yield taken
        client.expect("deleted", "delete", name=taken)


@pytest.fixture
def path(daemon: Daemon) -> str:
    return daemon.path


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> None:
    """For `sealbuf.serve`: the launcher, and for the guard what every uid can read."""
    python, variables = python_environment()
    for variable, value in {**variables, "SEALBUF_LAUNCHER": str(launcher())}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "executable", python)
    source = Path(guard.__file__)
    monkeypatch.setattr(guard, "__file__", str(reachable(source.parent) / source.name))
