"""SIGHUP: the configuration is read anew, while clients go on."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.daemon import Daemon, cli, running
from harness.public import folder_for
from harness.uids import Uid

pytestmark = pytest.mark.one_version

MIB = 1 << 20
LONG = 60.0
FULL = 1
"""The exit status when the store says no."""


@pytest.fixture
def file() -> Path:
    file = folder_for(Uid.DAEMON, "config") / "sealbuf.yaml"
    file.write_text("capacity: 32MiB\n")
    file.chmod(0o644)
    return file


def reload(daemon: Daemon, text: str, file: Path, last: str) -> list[str]:
    """What is logged up to a line with `last` in it, without the times of day."""
    wait_until(lambda: " serving on " in daemon.log, daemon)
    file.write_text(text)
    before = len(daemon.log)
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: last in daemon.log[before:], daemon)
    return [line.split(" ", 1)[1] for line in daemon.log[before:].splitlines()]


def wait_until(condition: Callable[[], bool], daemon: Daemon) -> None:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < LONG, daemon.log
        time.sleep(0.01)


def sealbuf(
    daemon: Daemon, *arguments: str, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = cli(*arguments, "--socket", daemon.path)
    return subprocess.run(command, input=data, capture_output=True, timeout=LONG, check=False)


def put(daemon: Daemon, name: str, mib: int) -> int:
    return sealbuf(daemon, "put", name, data=bytes(mib * MIB)).returncode


def names(daemon: Daemon) -> set[str]:
    return {row["name"] for row in json.loads(sealbuf(daemon, "ls", "--json").stdout)}


def stat(daemon: Daemon, figure: str) -> int:
    return int(json.loads(sealbuf(daemon, "stat", "--json").stdout)[figure])


def test_what_can_change_changes_under_clients_that_go_on(file: Path) -> None:
    with running(capacity=None, options=["--config", str(file)]) as daemon, daemon.open() as client:
        assert put(daemon, "kept", 8) == 0
        assert put(daemon, "large", 40) == FULL
        lines = reload(
            daemon,
            "capacity: 128MiB\nnamespaces: {default: {ttl: 300ms, eviction: oldest}}\n",
            file,
            "read anew",
        )
        assert lines == [
            "INFO sealbuf - changed: capacity=128MiB before=32MiB",
            "INFO sealbuf - changed: namespaces.default.eviction=oldest before=none",
            "INFO sealbuf - changed: namespaces.default.ttl=300ms before=never",
            "INFO sealbuf - configuration read anew",
        ]
        assert stat(daemon, "capacity") == stat(daemon, "capacity_asked") == 128 * MIB
        assert put(daemon, "large", 40) == 0
        wait_until(lambda: names(daemon) == {"kept"}, daemon)
        for number in range(8):
            assert (
                sealbuf(
                    daemon, "put", f"more/{number}", "--ttl", "1h", data=bytes(20 * MIB)
                ).returncode
                == 0
            )
        assert stat(daemon, "evicted") > 0
        assert client.ask("ping").kind == "pong"


def test_a_capacity_below_what_is_used_makes_the_store_full(file: Path) -> None:
    with running(capacity=None, options=["--config", str(file)]) as daemon:
        assert put(daemon, "first", 20) == 0
        reload(daemon, "capacity: 16MiB\n", file, "read anew")
        assert names(daemon) == {"first"}
        assert put(daemon, "second", 1) == FULL
        assert sealbuf(daemon, "rm", "first").returncode == 0
        wait_until(lambda: put(daemon, "second", 1) == 0, daemon)


def test_a_mistake_changes_nothing(file: Path) -> None:
    with running(capacity=None, options=["--config", str(file)]) as daemon:
        lines = reload(daemon, "capacity: 64MiB\nttl: 5\nsocket: {}\n", file, f"({file}:3)")
        known = "socket,group,capacity,namespaces"
        same = "ERROR sealbuf - configuration left as it was: "
        assert lines == [
            f"{same}ttl: no such key: known={known} ({file}:2)",
            f"{same}socket: has no value: leave the key out for its default ({file}:3)",
        ]
        assert stat(daemon, "capacity") == 32 * MIB


def test_flags_win_over_a_file_that_is_read_anew(file: Path) -> None:
    with running(capacity="64MiB", options=["--config", str(file)]) as daemon:
        lines = reload(daemon, "capacity: 32MiB\nsocket: /elsewhere\n", file, "read anew")
        assert lines == ["INFO sealbuf - configuration read anew"]


def test_namespaces_stay_those_of_the_start(file: Path) -> None:
    """One that goes from the file keeps its memory, one that comes gets none before it is there."""
    training = "namespaces: {training: {capacity: %s}}\n"
    file.write_text("capacity: 64MiB\n" + training % "8MiB")
    with running(capacity=None, options=["--config", str(file)]) as daemon:
        needed = "WARN sealbuf - needs another start: namespaces="
        same = "default,training"
        read = "INFO sealbuf - configuration read anew"
        lines = reload(daemon, "capacity: 64MiB\n", file, "read anew")
        assert lines == [f"{needed}default now={same}", read]
        assert stat(daemon, "capacity") == 56 * MIB
        lines = reload(daemon, "capacity: 64MiB\n" + training % "16MiB", file, "read anew")
        changed = "INFO sealbuf - changed: namespaces.training.capacity=16MiB before=8MiB"
        assert lines == [changed, read]
        assert stat(daemon, "capacity") == 48 * MIB
        more = "capacity: 64MiB\nnamespaces: {more: {capacity: 32MiB}}\n"
        lines = reload(daemon, more, file, "read anew")
        assert lines == [f"{needed}default,more now={same}", read]
        assert stat(daemon, "capacity") == 48 * MIB
        lines = reload(daemon, "capacity: 20MiB\n", file, "left as it was")
        assert lines == [
            "ERROR sealbuf - configuration left as it was: the namespaces that are there until"
            f" another start leave too little for default: bytes={4 * MIB} min=6295552"
        ]
        assert stat(daemon, "capacity") == 48 * MIB
