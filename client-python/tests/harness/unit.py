"""A systemd unit, and as much of its sandbox as can be had without systemd.

The system call filter is built from the unit's own lines, and kills where the unit refuses. Mounts
and namespaces are made by a script for the settings in `EMULATED`, whose presence in the unit is
checked.
"""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from harness.public import public_folder, python_environment, reachable
from harness.uids import Uid, as_uid

FOLDER = Path(__file__).parents[3] / "deploy" / "systemd"
SERVICE = FOLDER / "sealbuf.service"

EMULATED = (
    "PrivateTmp=yes", "PrivateNetwork=yes", "PrivateIPC=yes", "ProtectSystem=strict",
    "ProtectProc=invisible", "ProtectKernelTunables=yes", "ProtectControlGroups=yes",
    "NoNewPrivileges=yes", "CapabilityBoundingSet=", "RestrictAddressFamilies=AF_UNIX",
)  # fmt: skip

# The run's folder has the launcher and the socket in it, and may itself lie in /tmp.
_MOUNTS = """
set -e
run=$1; shift
mount --bind "$run" /mnt
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mkdir -p "$run"
mount --move /mnt "$run"
mount -t proc -o nosuid,nodev,noexec,hidepid=invisible proc /proc
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /sys
exec "$@"
"""


def missing() -> str | None:
    """Why units cannot be judged here."""
    tools = [tool for tool in ("systemd-analyze", "unshare") if shutil.which(tool) is None]
    return f"needs {' '.join(tools)} (package systemd, util-linux)" if tools else None


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def settings(name: str, unit: Path = SERVICE) -> list[str]:
    """The values of a setting, line by line."""
    prefix = f"{name}="
    lines = unit.read_text().splitlines()
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


def allowed_calls() -> set[str]:
    """What SystemCallFilter= leaves: the first line starts the list, `~` takes away from it."""
    allowed = _group("@default")
    for line in settings("SystemCallFilter"):
        names = {call for word in line.removeprefix("~").split() for call in _group(word)}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


@cache
def _group(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    lines = analyze("syscall-filter", name).stdout.splitlines()
    words = [line.strip() for line in lines if line.startswith("    ")]
    return {call for word in words if not word.startswith("#") for call in _group(word)}


def sandboxed(command: list[str], uid: int = Uid.DAEMON) -> list[str]:
    """The command as the unit would run it. Only root can make its mounts."""
    python, environment = python_environment()
    confine = reachable(Path(__file__).parent) / "confine.py"
    variables = [f"{name}={value}" for name, value in environment.items()]
    calls = " ".join(sorted(allowed_calls()))
    confined = ["env", *variables, python, str(confine), calls, *command]
    return [
        *("unshare", "--mount", "--net", "--ipc"),
        *("sh", "-c", _MOUNTS, "sandbox", str(public_folder())),
        *as_uid(uid, confined),
    ]
