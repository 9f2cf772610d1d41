"""The unit in deploy/systemd: right, tight, and wide enough for what the daemon does."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.daemon import Daemon, cli, launcher, socket_folder
from harness.public import folder_for
from harness.raw import PATIENCE
from harness.uids import Uid, as_uid

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = SYSTEMD / "sealbuf.service"
EXPOSURE_MAX = 2.0

pytestmark = [
    pytest.mark.one_version,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None,
        reason="needs systemd-analyze, of Debian's package systemd",
    ),
]


def analyze(*arguments: str) -> str:
    command = ["systemd-analyze", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def installed(text: str) -> Path:
    """The unit with the launcher where it is here; in a place that nothing else is read from."""
    path = folder_for(os.getuid(), "unit") / "sealbuf.service"
    path.write_text(text.replace("/opt/sealbuf/bin/sealbuf", str(launcher())))
    return path


def test_it_is_right() -> None:
    assert analyze("verify", "--man=no", str(installed(UNIT.read_text()))) == ""


def test_a_wrong_one_would_be_noticed() -> None:
    wrong = UNIT.read_text().replace("WatchdogSec=", "WotchdogSec=")
    said = analyze("verify", "--man=no", str(installed(wrong)))
    assert "Unknown key name 'WotchdogSec'" in said or "Unknown key 'WotchdogSec'" in said


def test_it_is_tight() -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(UNIT))
    exposure = re.search(r"Overall exposure level for sealbuf.service: ([0-9.]+)", said)
    assert exposure, said
    assert float(exposure[1]) <= EXPOSURE_MAX


def test_its_users_can_be_made() -> None:
    command = ["systemd-sysusers", "--dry-run", str(SYSTEMD / "sealbuf.sysusers")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "sealbuf" in result.stdout + result.stderr, result


def settings(name: str) -> list[str]:
    lines = UNIT.read_text().splitlines()
    return [line.split("=", 1)[1] for line in lines if line.startswith(f"{name}=")]


def members(name: str) -> Iterator[str]:
    """The system calls of `@group`, or the one of that name."""
    if not name.startswith("@"):
        yield name
        return
    for line in analyze("syscall-filter", name).splitlines()[1:]:
        if not line.strip().startswith("#"):
            yield from members(line.strip())


def allowed() -> set[str]:
    """What the filter lets pass: the first line allows, `~` takes away, later ones add."""
    calls: set[str] = set(members("@default"))
    for line in settings("SystemCallFilter"):
        named = {call for word in line.lstrip("~").split() for call in members(word)}
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def test_its_filter_lets_pass_what_the_daemon_calls() -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    trace = folder_for(Uid.DAEMON, "trace") / "calls"
    # -D: the daemon stays the child, strace hangs on it.
    tracer = ["strace", "-D", "-f", "-qq", "-c", "-o", str(trace)]
    command = as_uid(Uid.DAEMON, [*tracer, str(launcher())])
    daemon = Daemon(socket_folder() / "sealbuf.sock", command=command)
    try:
        daemon.wait_until_ready()
        exercise(daemon)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.wait_for_exit() == 0
    finally:
        daemon.kill()
    called = calls(trace)
    assert {"memfd_create", "sendmsg", "epoll_wait", "inotify_init1"} <= called
    assert called <= allowed(), called - allowed()


def calls(trace: Path) -> set[str]:
    """Those of strace's table, which it writes at the end."""
    start = time.monotonic()
    while not trace.exists() or not trace.read_text().endswith("total\n"):
        assert time.monotonic() - start < PATIENCE
        time.sleep(0.05)
    return {line.split()[-1] for line in trace.read_text().splitlines()[2:-2]}


def exercise(daemon: Daemon) -> None:
    """What reaches the kernel: small and large, expired, deleted, listed, held, counted."""
    for command, data in (
        ("put large", bytes(3 << 20)),
        ("put small", b"small"),
        ("put short --ttl 1ms", b"short"),
        ("get large", b""),
        ("ls", b""),
        ("holders --json", b""),
        ("stat --json", b""),
        ("rm large small", b""),
        ("ping", b""),
    ):
        arguments = cli(*command.split(), "--socket", daemon.path)
        subprocess.run(arguments, input=data, capture_output=True, timeout=60, check=True)
