"""However many buffers come and go, nobody's ping waits long for it.

Invariant: growth of tables, listings, compaction and the return of memory come in slices, between
which everybody else is served. At a tenth and less of the full size; `harness.stalls` says more.
"""

from collections.abc import Callable

import pytest

from harness.daemon import running
from harness.stalls import RECORD_BYTES, stalls

BUFFERS = 10_000_000
SMALL_BUFFERS = 100_000


@pytest.mark.one_version
@pytest.mark.several_uids
@pytest.mark.timeout(300)
def test_no_ping_waits_for_growth_listing_deletion_or_compaction(
    rounds: Callable[..., int], pytestconfig: pytest.Config, measured: Callable[[str], None]
) -> None:
    buffers = rounds(BUFFERS, small=SMALL_BUFFERS)
    capacity = max(1 << 30, 3 * buffers * RECORD_BYTES)
    with running(capacity=str(capacity)) as daemon:
        found = list(stalls(daemon, buffers, pytestconfig.option.seed))
    for phase in found:
        measured(str(phase))
    for phase in found:
        phase.check()
