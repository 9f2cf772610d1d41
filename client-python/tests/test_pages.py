"""The tutorial and the pages of docs/howto do what they say, and the reference is whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

import sealbuf
import sealbuf.aio
from harness.daemon import running
from harness.examples import TREE
from harness.pages import blocks, follow
from harness.requirements import MissingError, jars, packages

PAGES = [
    "docs/tutorial.md",
    "docs/howto/arrow.md",
    "docs/howto/numpy.md",
    "docs/howto/plasma.md",
    "docs/howto/shared-memory.md",
    "docs/howto/testing.md",
]
ELSEWHERE = {
    "docs/howto/dataloader.md": "below, by `make soak`",
    "docs/howto/sidecar.md": "SidecarPageTest, among the tests of containers",
}
SHM_OF_A_CONTAINER = 'mount -t tmpfs -o size=64m none /dev/shm && exec "$@"'
AS_IN_A_CONTAINER = ["unshare", "--mount", "sh", "-c", SHM_OF_A_CONTAINER, "sh"]


@pytest.mark.daemon
@pytest.mark.one_version
@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str) -> None:
    of_arrow = page == "docs/howto/arrow.md"
    beside = needed("arrow") if of_arrow else None
    libraries = jars(page) if of_arrow else None
    with running() as daemon:
        follow(page, daemon, packages=beside, jars=libraries)


@pytest.mark.daemon
@pytest.mark.one_version
@pytest.mark.several_uids
@pytest.mark.shows(60)
def test_a_dataloader_needs_no_dev_shm(request: pytest.FixtureRequest) -> None:
    """Its page, with the /dev/shm of a container; the same batches do not get through that."""
    if not request.config.option.soak:
        pytest.skip("torch and its CUDA libraries are 3 GB to fetch: `make soak` does")
    with running() as daemon:
        follow(
            "docs/howto/dataloader.md", daemon,
            packages=needed("torch"), jars=None, around=AS_IN_A_CONTAINER,
        )  # fmt: skip


def needed(name: str) -> Path:
    try:
        return packages(name)
    except MissingError as reason:
        pytest.skip(f"docs/requirements/{name}.txt: {reason}")


def test_every_page_is_followed_somewhere() -> None:
    pages = {str(page.relative_to(TREE)) for page in (TREE / "docs" / "howto").glob("*.md")}
    assert pages | {"docs/tutorial.md"} == {*PAGES, *ELSEWHERE}


@pytest.mark.parametrize("page", [*PAGES, *ELSEWHERE])
def test_every_block_is_seen(page: str) -> None:
    assert len(blocks(page)) == (TREE / page).read_text().count("```") / 2


def test_what_a_container_of_a_pod_adds_is_what_the_manifest_says() -> None:
    *_, shown = (
        yaml.safe_load(block.code)
        for block in blocks("docs/howto/sidecar.md")
        if block.language == "yaml"
    )
    pod = yaml.safe_load((TREE / "deploy" / "kubernetes" / "sidecar.yaml").read_text())
    worker = pod["spec"]["containers"][0]
    assert shown["env"] == worker["env"]
    assert shown["volumeMounts"] == worker["volumeMounts"]
    assert shown["securityContext"].items() <= worker["securityContext"].items()


def test_the_reference_has_every_public_name() -> None:
    page = (TREE / "docs" / "reference" / "python.md").read_text()
    listed = re.findall(r"^\.\. (?:auto\w+|data):: (\w+)$", page, re.MULTILINE)
    assert sorted(listed) == sorted(sealbuf.__all__)
    listed = re.findall(r"^\.\. auto\w+:: sealbuf\.aio\.(\w+)$", page, re.MULTILINE)
    assert sorted(listed) == sorted(sealbuf.aio.__all__)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<h1 id="top">b</h1><img src="there.svg"><a name="old">')
    (tmp_path / "there.svg").touch()
    good = ["b.html", "b.html#top", "b.html#old", "https://elsewhere/d", "there.svg"]
    bad = ["#e", "b.html#f", "g.html", "none.svg"]
    (tmp_path / "a.html").write_text("".join(f'<a href="{link}">' for link in good + bad))
    command = [sys.executable, str(TREE / "scripts" / "site_links.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.stderr.splitlines() == [f"leads nowhere: a.html: {link}" for link in bad]
    assert done.returncode == 1
