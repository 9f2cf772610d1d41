"""What users install, as they install it, in folders that every uid can read."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.daemon import Daemon
from harness.examples import TREE, java_home
from harness.public import folder_for, public_folder, python_environment
from harness.uids import ROOT, Uid, as_uid, own_group

HERE = Path(__file__).parent
BARE = ["env", "--ignore-environment", "PATH=/nonexistent", "LANG=C.UTF-8"]
"""No Java in it, and nothing else."""
INSTALL_SECONDS = 300.0
RUN_SECONDS = 60.0


@dataclass(frozen=True)
class Client:
    """A program of `smoke.py`'s kind; `command` is all of it but the name to publish under."""

    command: Sequence[str]
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, daemon: Daemon, name: str) -> str:
        settings = [f"{key}={value}" for key, value in self.variables.items()]
        command = [*BARE, f"SEALBUF_SOCKET={daemon.path}", *settings, *self.command, name]
        return output(as_uid(Uid.READER, command), RUN_SECONDS)


def output(command: Sequence[str], seconds: float = INSTALL_SECONDS) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode != 0:
        raise AssertionError(f"failed: status={done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise AssertionError(f"not exactly one: pattern={pattern} found={found}")
    return found[0]


def launcher_of(archive: Path) -> list[str]:
    """Its launcher, with nothing around it that could be a Java."""
    folder = folder_for(Uid.DAEMON, "tarball")
    unpack = ["tar", "--extract", "--no-same-owner", f"--directory={folder}"]
    output([*unpack, f"--file={archive}"])
    return [*BARE, str(only(folder, "sealbuf-*") / "bin" / "sealbuf")]


def image(archive: Path, label: str) -> list[str]:
    """A container, as confined as the README's; the socket's folder has the same path in it."""
    loaded = output(["docker", "load", "--input", str(archive)])
    name = loaded.removeprefix("Loaded image: ").strip()
    user = f"{Uid.DAEMON}:{own_group()}" if ROOT else f"{os.getuid()}:{os.getgid()}"
    confined = ["--network", "none", "--read-only", "--cap-drop", "ALL"]
    confined += ["--security-opt", "no-new-privileges", "--user", user]
    shared = f"{public_folder()}:{public_folder()}"
    return ["docker", "run", "--rm", "--label", label, *confined, "--volume", shared, name]


def remove_containers(label: str) -> None:
    """Those that a failed test left: what kills `docker run` does not reach its container."""
    left = output(["docker", "ps", "--all", "--quiet", "--filter", f"label={label}"]).split()
    if left:
        output(["docker", "rm", "--force", *left])


def python_package(package: Path) -> Client:
    """Installed by pip into a folder, which the interpreter sees beside its own library alone."""
    folder = folder_for(Uid.READER, "package")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    output([sys.executable, *install, "--target", str(folder), str(package)])
    shutil.copy(HERE / "smoke.py", folder)
    interpreter, variables = python_environment()
    return Client(
        [interpreter, "-S", str(folder / "smoke.py")], variables | {"PYTHONPATH": str(folder)}
    )


def jars(repository: Path, artifact: str) -> Path:
    """A folder whose `lib` has what a user's project with that dependency gets from Maven."""
    version = only(repository / "dev" / "sealbuf" / artifact, "*").name
    folder = folder_for(Uid.READER, "jars")
    shutil.copy(HERE / "pom.xml", folder)
    own = Path.home() / ".m2" / "repository"
    output([
        str(TREE / "scripts/maven"), "--quiet", "--file", str(folder / "pom.xml"),
        f"-Dmaven.repo.local={folder / 'repository'}", f"-Dmaven.repo.local.tail={own}",
        f"-Dartifacts={repository.as_uri()}",
        f"-Dversion={version}", f"-Dartifact={artifact}",
        "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'lib'}",
    ])  # fmt: skip
    return folder


def java_client(repository: Path) -> Client:
    folder = jars(repository, "sealbuf-client")
    path = f"{folder}/lib/*:{folder}"
    output([f"{java_home()}/bin/javac", "-cp", path, "-d", str(folder), str(HERE / "Smoke.java")])
    java = f"{java_home()}/bin/java"
    return Client([java, "--enable-native-access=ALL-UNNAMED", "-cp", path, "Smoke"])
