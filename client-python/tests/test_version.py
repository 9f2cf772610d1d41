"""The version is said once, in pom.xml; whatever has to repeat it says the same."""

import re
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sealbuf

TREE = Path(__file__).parents[2]
POM = {"m": "http://maven.apache.org/POM/4.0.0"}
TAG = re.compile(r"\bsealbuf(?:-producer|-worker)?:(\d[\w.-]*)")
"""Of an image."""


def said(*arguments: str) -> str:
    command = [str(TREE / "scripts/version"), *arguments]
    return subprocess.check_output(command, text=True, timeout=20).strip()


VERSION = said()


def test_scripts_print_what_the_parent_says() -> None:
    assert ElementTree.parse(TREE / "pom.xml").findtext("m:version", None, POM) == VERSION


@pytest.mark.parametrize(
    "module", ["client-java", "server", "bench/jmh", "docs/examples/s3", "fuzz"]
)
def test_every_module_names_that_parent(module: str) -> None:
    pom = ElementTree.parse(TREE / module / "pom.xml")
    assert pom.findtext("m:parent/m:version", None, POM) == VERSION


def test_python_says_it_as_python_spells_it() -> None:
    number, _, snapshot = VERSION.partition("-")
    assert sealbuf.__version__ == said("python")
    assert sealbuf.__version__ == number + (".dev0" if snapshot else "")


def test_the_daemons_distribution_is_of_that_version_and_the_extra_names_it() -> None:
    daemon = tomllib.loads((TREE / "deploy/python/pyproject.toml").read_text())["project"]
    client = tomllib.loads((TREE / "client-python/pyproject.toml").read_text())["project"]
    assert daemon["version"] == said("python")
    assert client["optional-dependencies"]["server"] == [f"{daemon['name']}=={said('python')}"]


def test_the_java_client_says_it_to_the_daemon() -> None:
    session = TREE / "client-java/src/main/java/dev/sealbuf/client/Session.java"
    assert re.findall(r'"sealbuf-java/(.*)"', session.read_text()) == [VERSION]


def test_the_guide_shows_it_to_maven() -> None:
    text = (TREE / "docs/java.md").read_text()
    assert re.findall(r"<version>(.*)</version>", text) == [VERSION]


def test_the_changelog_begins_with_it() -> None:
    number, _, snapshot = VERSION.partition("-")
    newest = re.findall(r"^## (.*)$", (TREE / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    assert re.fullmatch(rf"Unreleased \({number}\)" if snapshot else rf"{number} \(.*\)", newest)


def test_deployments_name_no_image_of_another_version() -> None:
    files = [TREE / "docker-compose.yml", *(TREE / "deploy").rglob("*")]
    texts = [file.read_text() for file in files if file.is_file()]
    assert {tag for text in texts for tag in TAG.findall(text)} <= {VERSION}
