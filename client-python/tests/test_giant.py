"""One large buffer in each direction between the languages, without a copy in private memory."""

import pytest

from harness.giant import GROWTH_MAX, java_to_copying_python, transfer

SMALL = 2 * GROWTH_MAX
"""A copy of it is more than what is allowed."""

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(120)]


@pytest.mark.one_version
def test_a_large_buffer_crosses_the_languages_without_a_copy(pytestconfig: pytest.Config) -> None:
    assert len(transfer(6 << 30 if pytestconfig.option.soak else SMALL)) == 2


@pytest.mark.one_version
def test_a_copy_would_show() -> None:
    with pytest.raises(AssertionError, match="something was copied"):
        transfer(SMALL, [java_to_copying_python])
