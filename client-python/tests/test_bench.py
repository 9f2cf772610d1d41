"""The benchmark runs from end to end, and the README shows what its last run found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.daemon import LAUNCHER_FOLDER

TREE = Path(__file__).parents[2]
BENCH = TREE / "bench"
LATEST = BENCH / "results" / "latest.json"

sys.path.insert(0, str(BENCH))

from sealbench import readme, report, results  # noqa: E402 - found only now

PEERS = ["sealbuf", "floor_dict", "floor_echo"]


def test_the_readme_has_the_table_of_the_latest_run() -> None:
    text = (TREE / "README.md").read_text()
    assert readme.rewritten(text, results.load(LATEST)) == text


def test_the_report_is_that_of_the_latest_run() -> None:
    assert report.markdown(results.load(LATEST)) == (LATEST.with_name(report.FILE)).read_text()


@pytest.mark.daemon
@pytest.mark.one_version
@pytest.mark.timeout(240)
def test_a_tiny_run_measures_sealbuf_and_the_floors(tmp_path: Path) -> None:
    if not LAUNCHER_FOLDER.exists():
        raise AssertionError(f"not built, run `make build`: missing={LAUNCHER_FOLDER}")
    command = [sys.executable, "-m", "sealbench", "--plan", "tiny", "--no-pictures"]
    done = subprocess.run(
        [*command, "--peers", *PEERS, "--output", str(tmp_path)],
        cwd=BENCH, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found = json.loads((tmp_path / "latest.json").read_text())
    rows = {(row["work"], row["peer"], row["bytes"]) for row in found["rows"]}
    assert rows >= {
        ("ping", "sealbuf", 0), ("ping", "floor_echo", 0),
        ("get", "sealbuf", 64), ("get", "floor_dict", 64),
        ("first_get", "sealbuf", 65536), ("put", "sealbuf", 65536), ("batch", "sealbuf", 1024),
        ("hand_off", "sealbuf", 64), ("readers", "sealbuf", 1 << 20), ("puts", "sealbuf", 1024),
    }  # fmt: skip
    assert found["unable"]["floor_echo"]["fill"] == "keeps nothing"
    assert [peer for peer, about in found["peers"].items() if "skipped" in about] == []


def test_medians_and_percentiles_are_of_all_rounds() -> None:
    key = results.Key("put", "sealbuf", 64)
    row = results.summary(key, [[1.0, 2.0, 3.0], [float(n) for n in range(4, 101)]])
    assert (row.n, row.median, row.p99, row.low, row.high) == (100, 50.5, 99.0, 2.0, 52.0)
