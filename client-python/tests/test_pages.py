"""The tutorial and the pages of docs/howto do what they say."""

import pytest

from harness.daemon import running
from harness.examples import TREE
from harness.pages import follow
from harness.requirements import Missing, packages

PAGES = {
    "docs/tutorial.md": (),
    "docs/howto/numpy.md": (),
    "docs/howto/shared-memory.md": (),
    "docs/howto/plasma.md": (),
    "docs/howto/testing.md": (),
    "docs/howto/arrow.md": ("arrow",),
}
"""With what each needs of docs/requirements."""


@pytest.mark.daemon
@pytest.mark.one_version
@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str) -> None:
    try:
        extra = tuple(packages(name) for name in PAGES[page])
    except Missing as reason:
        pytest.skip(f"{page}: {reason}")
    with running() as daemon:
        follow(page, {"SEALBUF_SOCKET": daemon.path}, extra=extra)


def test_every_page_is_followed_somewhere() -> None:
    pages = {str(page.relative_to(TREE)) for page in (TREE / "docs" / "howto").glob("*.md")}
    assert pages == PAGES.keys() - {"docs/tutorial.md"}
