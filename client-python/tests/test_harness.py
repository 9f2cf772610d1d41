"""The harness itself: rights are really dropped, and its measuring tools measure."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from harness import prepared
from harness.daemon import Daemon
from harness.public import python_environment, reachable
from harness.raw import RawClient
from harness.uids import GROUP, ROOT, Uid, as_uid, fork_as

SAME = 20
"""Looks that must agree."""


def status_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.several_uids
def test_a_wrapped_command_has_the_uid_the_group_and_no_capability() -> None:
    command = ["sh", "-c", "id -u; id -G; grep -E '^Cap|^NoNewPrivs' /proc/self/status"]
    out = subprocess.run(
        as_uid(Uid.PRODUCER, command), capture_output=True, text=True, check=True, timeout=20
    ).stdout.split()
    nothing = "0" * 16
    assert out == [
        "20002", "20002", str(GROUP),
        "CapInh:", nothing, "CapPrm:", nothing, "CapEff:", nothing,
        "CapBnd:", nothing, "CapAmb:", nothing, "NoNewPrivs:", "1",
    ]  # fmt: skip


def test_a_forked_copy_is_not_root() -> None:
    assert status_of(fork_as(Uid.ATTACKER, lambda: int(os.geteuid() == 0), groups=())) == 0


def test_any_uid_can_run_this_python_with_the_client() -> None:
    python, variables = python_environment()
    command = as_uid(Uid.READER, [python, "-c", "import ctypes, json, os; print(os.getuid())"])
    out = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=True, timeout=20
    ).stdout
    assert int(out) == (Uid.READER if ROOT else os.getuid())


@pytest.mark.several_uids
def test_what_others_cannot_reach_is_copied(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "file").write_text("seen")
    copy = reachable(hidden)
    command = as_uid(Uid.ATTACKER, ["cat", str(copy / "file")], groups=())
    assert subprocess.run(command, capture_output=True, check=True, timeout=20).stdout == b"seen"


def settled(client: RawClient) -> int:
    """Segments at hand when no more are being made."""
    seen: list[int] = []
    while len(seen) < SAME or len(set(seen[-SAME:])) > 1:
        seen.append(client.stats()["prepared"])
        time.sleep(0.01)
    return seen[-1]


def test_with_prepared_a_create_finds_memory_at_hand(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "enabled", True)
    with daemon.open(Uid.PRODUCER) as client:
        prepared.before_create(client, {"nbytes": 3 << 20})
        before = settled(client)
        lent = client.request("create", nbytes=3 << 20)
        assert lent.kind == "lent"
        lent.close()
        assert client.stats()["prepared"] == before - 1
        client.ask("abort", buffer=lent["buffer"]).close()
