"""torch's DataLoader, whose workers send handles. Torch is large, so only at full size."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.public import python_environment, reachable
from harness.requirements import MissingError, packages
from harness.uids import Uid, as_uid

pytestmark = [pytest.mark.daemon, pytest.mark.one_version, pytest.mark.timeout(600)]

GROWTH_MAX = 8 << 20
"""Bytes of private memory between a tenth of the batches and the end, in any process."""
FULL_SECONDS = 3000


@pytest.fixture
def torch(request: pytest.FixtureRequest) -> Path:
    """The folder that has torch."""
    if not request.config.option.soak:
        pytest.skip("torch and its CUDA libraries are 3 GB to fetch: `make soak` does")
    try:
        return reachable(packages("torch"))
    except MissingError as reason:
        pytest.skip(f"docs/requirements/torch.txt: {reason}")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_dataloader_passes_batches_by_handle(
    fresh_daemon: Callable[..., AbstractContextManager[Daemon]],
    rounds: Callable[..., int],
    measured: Callable[[str], None],
    torch: Path,
    method: str,
) -> None:
    batches = rounds(10_000)
    python, variables = python_environment()
    variables["PYTHONPATH"] += f":{torch}"
    program = str(reachable(Path(__file__).parent) / "dataloader_main.py")
    with fresh_daemon() as daemon:
        options = ["-X", "faulthandler", "-W", "ignore:This DataLoader will create"]
        command = [python, *options, program, daemon.path, str(batches), method]
        done = subprocess.run(
            as_uid(Uid.PRODUCER, command), env={**os.environ, **variables, "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False, timeout=FULL_SECONDS, cwd="/",
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    found = json.loads(done.stdout)
    growth = {name: found["late"][name] - found["early"][name] for name in found["early"]}
    measured(f"batches={batches} growth_KiB={ {name: b >> 10 for name, b in growth.items()} }")
    assert len(growth) == 5
    assert max(growth.values()) < GROWTH_MAX
    assert found["left"] == []
