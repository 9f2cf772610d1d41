"""The AOT cache of the built launcher: used, or passed over and nobody but `stat` says so."""

import os
import subprocess

import pytest

from harness.daemon import Daemon, cli, running

pytestmark = [pytest.mark.one_version, pytest.mark.daemon]

MISFITS = {
    "missing": "-XX:AOTCache=/nowhere/sealbuf.aot",
    "made for other objects": "-XX:+UseCompactObjectHeaders",
    "made with other options": "--add-opens=java.base/java.lang=ALL-UNNAMED",
}


def said(options: str, *command: str) -> str:
    """All that a command writes, to whichever stream."""
    return subprocess.run(
        cli(*command), env={**os.environ, "SEALBUF_JAVA_OPTS": options},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def state(options: str, daemon: Daemon) -> str:
    rows = said(options, "stat", "--socket", daemon.path).splitlines()
    return next(" ".join(row.split()) for row in rows if row.startswith("AOT cache"))


def test_the_daemon_uses_the_cache_of_the_build() -> None:
    with running() as daemon:
        assert state("", daemon) == "AOT cache in use"


@pytest.mark.parametrize("options", MISFITS.values(), ids=MISFITS)
def test_one_that_does_not_fit_is_passed_over_without_a_word(options: str) -> None:
    with running(environment={"SEALBUF_JAVA_OPTS": options}) as daemon:
        assert state(options, daemon) == "AOT cache not in use"
    assert "[aot]" not in daemon.log
    assert said(options, "version") == said("", "version")
