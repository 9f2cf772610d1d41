"""A folder that every uid can read, and copies in it of what they could not reach otherwise.

An interpreter or a checkout below somebody's 0700 home is out of reach for the test uids, and a
process without capabilities cannot be let in. So what they have to execute is used in place when
they can reach it and copied once a run when they cannot.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from harness.uids import ROOT, Uid, as_uid

_LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "idlelib", "ensurepip", "lib2to3", "turtledemo", "config-*", "*.a",
    "__pycache__", "site-packages", "include", "share",
)  # fmt: skip


@cache
def public_folder() -> Path:
    """The run's folder, 0755; removed by `remove_public_folder`."""
    folder = Path(tempfile.mkdtemp(prefix="sealbuf-test-"))
    folder.chmod(0o755)
    return folder


def remove_public_folder() -> None:
    if public_folder.cache_info().currsize:
        shutil.rmtree(public_folder(), ignore_errors=True)
        public_folder.cache_clear()
        reachable.cache_clear()
        python_environment.cache_clear()


def folder_for(uid: int, name: str, mode: int = 0o755, group: int | None = None) -> Path:
    """A new folder below the public one that belongs to `uid`."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=public_folder()))
    if ROOT:
        os.chown(folder, uid, uid if group is None else group)
    folder.chmod(mode)
    return folder


def _can_read(path: Path) -> bool:
    command = as_uid(Uid.ATTACKER, ["test", "-r", str(path), "-a", "-x", str(path)], groups=())
    return subprocess.run(command, check=False, timeout=20).returncode == 0


@cache
def reachable(folder: Path) -> Path:
    """`folder` itself when other uids can reach it, else a copy."""
    if not ROOT or _can_read(folder):
        return folder
    copy = public_folder() / f"copy-{folder.name}"
    shutil.copytree(folder, copy, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    return copy


@cache
def python_environment() -> tuple[str, dict[str, str]]:
    """This interpreter and the variables with which any uid can run it, `sealbuf` included."""
    source = Path(__file__).parents[2] / "src"
    packages = Path(sysconfig.get_paths()["platlib"])
    base = Path(sys.base_prefix)
    variables = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    needed = (base / "lib", Path(sys.executable), packages)
    if not ROOT or all(_can_read(path) for path in needed):
        return sys.executable, variables | {"PYTHONPATH": str(reachable(source))}
    home = public_folder() / "python"
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copytree(base / "lib", home / "lib", symlinks=True, ignore=_LEFT_OUT)
    (home / "bin").mkdir()
    shutil.copy(base / "bin" / name, home / "bin" / name)
    paths = [reachable(source), reachable(packages)]
    return str(home / "bin" / name), variables | {
        "PYTHONHOME": str(home),
        "LD_LIBRARY_PATH": str(home / "lib"),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
