"""The unit for systemd: it is understood, it forbids much, and the daemon misses none of that."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import sealbuf
from harness import unit
from harness.daemon import Daemon, cli, launcher
from harness.uids import GROUP, Uid
from helpers import copies

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.timeout(180),
    pytest.mark.skipif(unit.missing() is not None, reason=unit.missing() or ""),
]

EXPOSURE_MAX = 2.0
LARGE = 8 << 20

Start = Callable[..., AbstractContextManager[Daemon]]


def test_the_unit_is_understood(tmp_path: Path) -> None:
    """Below a root of its own, where a program stands at each path that the unit names."""
    root = tmp_path / "root"
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    shutil.copy(unit.SERVICE, units)
    for command in unit.settings("ExecStart") + unit.settings("ExecReload"):
        program = root / command.split()[0].removeprefix("/")
        program.parent.mkdir(parents=True)
        program.touch(0o755)
    for name in ("sysinit.target", "basic.target", "shutdown.target", "multi-user.target"):
        (units / name).write_text("[Unit]\n")
    verdict = unit.analyze(f"--root={root}", "verify", "sealbuf.service")
    assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, "", "")


def test_verify_would_find_a_mistake(tmp_path: Path) -> None:
    mistaken = tmp_path / "sealbuf.service"
    text = unit.SERVICE.read_text().replace("Type=notify\n", "Type=notifying\n")
    mistaken.write_text(text)
    assert "notifying" in unit.analyze("verify", str(mistaken)).stderr


def test_the_unit_forbids_what_it_can(measured: Callable[[str], None]) -> None:
    verdict = unit.analyze("security", "--offline=true", str(unit.SERVICE))
    (line,) = [line for line in verdict.stdout.splitlines() if "Overall exposure level" in line]
    exposure = float(line.partition(": ")[2].split()[0])
    measured(f"exposure={exposure}")
    assert exposure <= EXPOSURE_MAX


def test_the_unit_leaves_out_what_would_break_the_daemon() -> None:
    for setting in ("PrivateUsers", "MemoryDenyWriteExecute", "ProcSubset"):
        assert unit.settings(setting) in ([], ["all"])


def test_the_user_is_one_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "etc/sysusers.d"
    folder.mkdir(parents=True)
    shutil.copy(unit.FOLDER / "sealbuf.sysusers", folder / "sealbuf.conf")
    command = ["systemd-sysusers", f"--root={tmp_path}"]
    made = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    users = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    (user,) = [user for user in users if user[0] == "sealbuf"]
    groups = [line.split(":") for line in (tmp_path / "etc/group").read_text().splitlines()]
    (group,) = [group for group in groups if group[0] == "sealbuf"]
    assert user[3] == group[2]
    assert user[6].endswith("nologin")
    assert (unit.settings("User"), unit.settings("Group")) == (["sealbuf"], ["sealbuf"])


@pytest.mark.several_uids
def test_a_call_that_the_unit_forbids_is_the_end_here() -> None:
    """The negative control: chroot is not in the filter, and a file of / cannot be made."""
    forbidden = subprocess.run(
        unit.sandboxed(["chroot", "/"]), check=False, capture_output=True, timeout=60
    )
    assert forbidden.returncode == -signal.SIGSYS
    read_only = subprocess.run(
        unit.sandboxed(["touch", "/var/tmp/sealbuf"]),
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "Read-only file system" in read_only.stderr


@pytest.mark.several_uids
@pytest.mark.daemon
def test_the_daemon_does_its_work_in_the_sandbox_of_the_unit(fresh_daemon: Start) -> None:
    """One call outside of the filter, and the process would be gone."""
    for line in unit.EMULATED:
        assert line in unit.SERVICE.read_text().splitlines()
    with fresh_daemon(command=unit.sandboxed([str(launcher())])) as daemon:
        status, text = copies.run(lambda: use(daemon.path), Uid.PRODUCER, (GROUP,))
        assert status == copies.PASSED, f"{text}\n{daemon.log}"
        command = cli("holders", "--socket", daemon.path)
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        assert daemon.alive(), daemon.log
        daemon.stop()
        assert "WARN" not in daemon.log


def use(path: str) -> None:
    """Small and large, kept and expired, and enough for slabs and tables to come and go."""
    with sealbuf.connect(path) as store:
        small = store.put(b"small", "small")
        with store.create("large", nbytes=LARGE) as writer:
            writer.memoryview()[:] = bytes([7]) * LARGE
        large = store.get("large")
        store.put(bytes(LARGE), "short", ttl=0.2)
        for batch in range(5):
            names = range(batch * 1000, (batch + 1) * 1000)
            store.put_many({f"many/{number}": bytes(1000) for number in names})
        for number in range(5000):
            store.delete(f"many/{number}")
        store.delete("large")
        while "short" in store:
            time.sleep(0.05)
        assert (bytes(small), bytes(large.memoryview()[-1:])) == (b"small", b"\7")
