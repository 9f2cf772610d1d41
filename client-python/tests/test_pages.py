"""The tutorial and the pages of docs/howto do what they say."""

import pytest

from harness.daemon import running
from harness.examples import TREE
from harness.pages import follow
from harness.requirements import Missing, jars, packages

PAGES = [
    "docs/tutorial.md",
    "docs/howto/arrow.md",
    "docs/howto/numpy.md",
    "docs/howto/plasma.md",
    "docs/howto/shared-memory.md",
    "docs/howto/testing.md",
]


@pytest.mark.daemon
@pytest.mark.one_version
@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str) -> None:
    of_arrow = page == "docs/howto/arrow.md"
    try:
        beside = packages("arrow") if of_arrow else None
        libraries = jars(page) if of_arrow else None
    except Missing as reason:
        pytest.skip(f"{page}: {reason}")
    with running() as daemon:
        follow(page, {"SEALBUF_SOCKET": daemon.path}, packages=beside, jars=libraries)


def test_every_page_is_followed_somewhere() -> None:
    pages = {str(page.relative_to(TREE)) for page in (TREE / "docs" / "howto").glob("*.md")}
    assert pages == PAGES.keys() - {"docs/tutorial.md"}
