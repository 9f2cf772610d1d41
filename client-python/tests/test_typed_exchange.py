"""Java and Python read each other's typed buffers: every combination over `protocol/typed.json`."""

import json
import runpy
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from harness.daemon import Daemon
from harness.exchange import PAIRS, ROOT, Half, python, readable, run, start
from harness.public import public_folder
from harness.uids import Uid
from helpers.typed import TYPED, cases


@pytest.mark.one_version
@pytest.mark.daemon
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("producer", "reader"), PAIRS)
def test_each_reads_what_the_other_published(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]], producer: Half, reader: Half
) -> None:
    typed, count = readable(TYPED), len(cases())
    with fresh_daemon() as daemon:
        told = run(producer("typed"), Uid.PRODUCER, ["publish", daemon.path, typed])
        assert told == f"published {count}\n"
        told = run(reader("typed"), Uid.READER, ["verify", daemon.path, typed])
        assert told == f"verified {count}\n"


@pytest.mark.daemon
@pytest.mark.timeout(120)
def test_a_difference_is_found(fresh_daemon: Callable[..., AbstractContextManager[Daemon]]) -> None:
    """The negative control: what was published under another list is not verified."""
    other = public_folder() / "other.json"
    other.write_text(TYPED.read_text(encoding="utf-8").replace('"?"', '"b"', 1), encoding="utf-8")
    with fresh_daemon() as daemon:
        run(python("typed"), Uid.PRODUCER, ["publish", daemon.path, readable(TYPED)])
        done = start(python("typed"), Uid.READER, ["verify", daemon.path, str(other)])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "typed/0: format is '?', not 'b'\n"


def test_there_are_enough_cases_and_the_script_prints_them() -> None:
    assert len(cases()) >= 1500
    assert len({case.seed for case in cases()}) == len(cases())
    script = runpy.run_path(str(ROOT / "scripts" / "typed_cases.py"))
    assert script["text"]() == TYPED.read_text(encoding="utf-8")
    assert all(set(case) >= {"seed", "format", "shape"} for case in json.loads(script["text"]()))
