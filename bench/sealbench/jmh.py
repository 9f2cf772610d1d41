"""The Java client by JMH, against a daemon of this tree. Results go to results/jmh.json and jmh.md.

    python -m sealbench.jmh               # four minutes
    python -m sealbench.jmh Get -prof gc  # a part, with JMH's own options; writes nothing

Client and daemon share one core, as in the other benchmarks. What JMH says while it runs is all
there is to see.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealbench import cores, machine
from sealbench.peers import FOLDER, TREE
from sealbench.report import table
from sealbench.units import digits, duration

RESULTS = FOLDER / "results"
LIBRARIES = "jmh/target/lib/*"
LAUNCHER = "../server/target/sealbuf/bin/sealbuf"
OPTIONS = (
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",  # JMH's own use of it
    f"-Dsealbuf.launcher={LAUNCHER}",
)
NANOSECONDS = {"ns/op": 1.0, "us/op": 1e3}


@dataclass(frozen=True)
class Row:
    """One benchmark: nanoseconds, of all its forks."""

    name: str
    median: float
    p99: float | None
    """None where only means of iterations are known."""
    low: float
    high: float
    """Of an iteration: its mean, or the median of its samples."""

    @property
    def spread(self) -> float:
        return self.high / self.low


@dataclass(frozen=True)
class Aim:
    claim: str
    of: str
    to: tuple[tuple[float, str], ...]
    """What is allowed once: so many times each of these."""
    plus: float
    bound: float


def aims() -> Iterator[Aim]:
    yield Aim("get / map and slice", "Get.get", ((1, "Get.map"),), 0, 6)
    yield Aim("put of 1 KiB / ping", "Request.put", ((1, "Request.ping"),), 0, 1.5)
    for size in ("1 MiB", "16 MiB"):
        floors = ((1.3, f"Large.memcpy {size}"), (2, "Request.ping"))
        yield Aim(
            f"put of {size} / (1.3 memcpy + 2 pings + 15 us)", f"Large.put {size}", floors, 15e3, 1
        )


def main(chosen: list[str]) -> None:
    header = machine.header("jmh")
    os.sched_setaffinity(0, cores.measuring())
    if chosen:
        run(chosen)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "jmh.json"
        run(["-rf", "json", "-rff", str(found)])
        measured = [without_places(each) for each in json.loads(found.read_text())]
    (RESULTS / "jmh.json").write_text(json.dumps({"header": header, "rows": measured}, indent=1))
    (RESULTS / "jmh.md").write_text(markdown(header, measured))


def run(arguments: list[str]) -> None:
    home = subprocess.check_output([TREE / "scripts" / "find-jdk"], text=True).strip()
    java = [f"{home}/bin/java", *OPTIONS, "-cp", LIBRARIES]
    subprocess.run([*java, "org.openjdk.jmh.Main", *arguments], cwd=FOLDER, check=True)


def without_places(measured: dict[str, Any]) -> dict[str, Any]:
    """Without paths of this machine, and without the samples one by one."""
    kept = {name: value for name, value in measured.items() if name not in ("jvm", "jvmArgs")}
    metric = dict(kept["primaryMetric"])
    if histograms := metric.pop("rawDataHistogram", None):
        metric["medians"] = [[middle(each) for each in fork] for fork in histograms]
    return {**kept, "primaryMetric": metric}


def middle(histogram: list[list[float]]) -> float:
    """The median of what came so often each."""
    half = sum(count for _, count in histogram) / 2
    seen = 0.0
    for value, count in sorted(histogram):
        seen += count
        if seen >= half:
            return value
    raise ValueError("nothing was sampled")


def row(measured: dict[str, Any]) -> Row:
    metric = measured["primaryMetric"]
    unit = NANOSECONDS[metric["scoreUnit"]]
    percentiles = metric["scorePercentiles"]
    sampled = measured["mode"] == "sample"
    iterations = [each for fork in metric["medians" if sampled else "rawData"] for each in fork]
    return Row(
        name(measured),
        percentiles["50.0"] * unit,
        percentiles["99.0"] * unit if sampled else None,
        min(iterations) * unit,
        max(iterations) * unit,
    )


def name(measured: dict[str, Any]) -> str:
    """`Large.put 16 MiB`."""
    owner, method = measured["benchmark"].split(".")[-2:]
    sizes = [f" {value} MiB" for value in measured.get("params", {}).values()]
    return f"{owner.removesuffix('Benchmark')}.{method}{''.join(sizes)}"


def markdown(header: dict[str, Any], measured: list[dict[str, Any]]) -> str:
    rows = {each.name: each for each in map(row, measured)}
    about = (
        f"{header['made']}, tree `{header['tree']}`, {versions(measured[0])}. Made by "
        "`scripts/bench-jmh`. Medians, and p99 where single calls were timed; `spread` is how far "
        "apart the iterations of all JVMs were, highest by lowest."
    )
    lines = [f"- {name}: {value}" for name, value in header["machine"].items()]
    head = ["# The Java client, by JMH", "", about, "", *lines, ""]
    tables = ["## Against the aims", "", against(rows), "", "## All", "", everything(rows), ""]
    return "\n".join([*head, *tables])


def versions(first: dict[str, Any]) -> str:
    return f"JMH {first['jmhVersion']}, {first['vmName']} {first['vmVersion']}"


def against(rows: dict[str, Row]) -> str:
    lines = []
    for aim in aims():
        allowed = sum(times * rows[floor].median for times, floor in aim.to) + aim.plus
        ratio = rows[aim.of].median / allowed
        verdict = "yes" if ratio <= aim.bound else "no"
        lines.append((aim.claim, f"<= {digits(aim.bound)}x", f"{digits(ratio)}x", verdict))
    return table(("claim", "aim", "found", "holds"), lines)


def everything(rows: dict[str, Row]) -> str:
    lines = [
        (
            each.name,
            duration(each.median),
            "" if each.p99 is None else duration(each.p99),
            f"{each.spread:.2f}x",
        )
        for each in rows.values()
    ]
    return table(("", "median", "p99", "spread"), lines)


if __name__ == "__main__":
    main(sys.argv[1:])
