"""Java and Python read each other's buffers: every combination over `protocol/scenarios.json`."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from harness.daemon import Daemon
from harness.exchange import PAIRS, Half, publication, python, readable, run, start
from harness.uids import Uid
from helpers.tables import PROTOCOL

pytestmark = [pytest.mark.one_version, pytest.mark.daemon]

SCENARIOS = PROTOCOL / "scenarios.json"
COUNT = len(json.loads(SCENARIOS.read_text(encoding="utf-8")))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("producer", "reader"), PAIRS)
def test_each_reads_what_the_other_published(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]], producer: Half, reader: Half
) -> None:
    scenarios = readable(SCENARIOS)
    with (
        fresh_daemon() as daemon,
        publication(
            producer("scenario"), Uid.PRODUCER, ["publish", daemon.path, scenarios], COUNT
        ) as published,
    ):
        verified = run(
            reader("scenario"), Uid.READER, ["verify", daemon.path, scenarios], published
        )
    assert verified == f"verified {COUNT}\n"


@pytest.mark.timeout(120)
def test_a_difference_is_found(daemon: Daemon) -> None:
    """The negative control: what was published under another list is not verified."""
    program, scenarios = python("scenario"), readable(SCENARIOS)
    told = ["publish", daemon.path, scenarios]
    with publication(program, Uid.PRODUCER, told, COUNT) as published:
        swapped = published.replace("scenario/63\n", "scenario/65\n")
        assert swapped != published
        done = start(program, Uid.READER, ["verify", daemon.path, scenarios], swapped)
    assert done.returncode == 1
    assert done.stdout == ""
    claim = "one byte less than a unit of alignment"
    assert done.stderr.splitlines() == [
        f"{claim}: name is 'scenario/65', not 'scenario/63'",
        f"{claim}: nbytes is 65, not 63",
        f"{claim}: bytes is False, not True",
    ]
