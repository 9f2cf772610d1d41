"""What a page of the documents needs beside the client: packages, and jars.

Both are fetched at first use and kept below docs/.envs, until the pins are others.
"""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from harness.examples import TREE

KEPT = TREE / "docs" / ".envs"

_DEPENDENCIES = re.compile(r"^```xml\n(<dependencies>.*?)^```$", re.DOTALL | re.MULTILINE)
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>dev.sealbuf</groupId>
    <artifactId>sealbuf-parent</artifactId>
    <version>{version}</version>
    <relativePath>../../pom.xml</relativePath>
  </parent>
  <artifactId>page</artifactId>
  <packaging>pom</packaging>
{dependencies}</project>
"""


class MissingError(Exception):
    """What cannot be had, for this version of Python say; the message is pip's."""


@cache
def packages(name: str) -> Path:
    """The folder with what docs/requirements/NAME.txt pins, for this version of Python."""
    pins = TREE / "docs" / "requirements" / f"{name}.txt"
    folder = KEPT / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--target", str(folder), "--requirement", str(pins)]
    return fetched(folder, pins.read_text(), command)


@cache
def jars(page: str) -> Path:
    """The folder with the jars that the page's `<dependencies>` come to."""
    found = _DEPENDENCIES.findall((TREE / page).read_text())
    version = subprocess.check_output([str(TREE / "scripts" / "version")], text=True).strip()
    pom = _POM.format(version=version, dependencies="".join(found))
    folder = KEPT / Path(page).stem
    file = KEPT / f"{folder.name}.xml"
    KEPT.mkdir(exist_ok=True)
    file.write_text(pom)
    maven = [str(TREE / "scripts" / "maven"), "--quiet", "--file", str(file)]
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    return fetched(folder, pom, [*maven, *copy])


def fetched(folder: Path, pins: str, command: list[str]) -> Path:
    """That folder, filled by the command unless it was by these pins."""
    stamp = folder / ".ready"
    if not (stamp.exists() and stamp.read_text() == pins):
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingError(" ".join((done.stderr or done.stdout).split()))
        stamp.write_text(pins)
    return folder
