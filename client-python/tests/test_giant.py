"""One large buffer in each direction between the languages, without a copy in private memory."""

import pytest

from harness.giant import GROWTH_MAX, transfer


@pytest.mark.daemon
@pytest.mark.timeout(120)
def test_a_large_buffer_crosses_the_languages_without_a_copy(pytestconfig: pytest.Config) -> None:
    small = 2 * GROWTH_MAX  # a copy in private memory is more than what is allowed
    assert len(transfer(6 << 30 if pytestconfig.option.soak else small)) == 2
