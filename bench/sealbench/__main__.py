"""The command line: measures, writes `latest.json`, and what is made from it."""

import argparse
import os
from pathlib import Path

from sealbench import alone, footprint, hand_off, machine, report, together
from sealbench.cast import Cast
from sealbench.cores import all_cores, measuring, spare
from sealbench.peers import FOLDER, SPECS, Spec
from sealbench.plan import PLANS, Plan
from sealbench.progress import say
from sealbench.results import Results

WORKS = ("alone", "hand_off", "footprint", "together", "starts")


def main() -> None:
    options = _options()
    specs = [spec for spec in SPECS if not options.peers or spec.name in options.peers]
    results = Results(machine.header(options.plan))
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    cores = all_cores()
    _measure(specs, results, PLANS[options.plan], set(options.works or WORKS))
    os.sched_setaffinity(0, cores)
    results.save(folder / "latest.json")
    report.write(results, folder)
    say(f"written: {folder}/latest.json, latest.md")


def _measure(specs: list[Spec], results: Results, plan: Plan, works: set[str]) -> None:
    one, many = measuring(), all_cores()
    os.sched_setaffinity(0, spare())
    say("starting on one core")
    with Cast(specs, results, one) as cast:
        for phase in (alone, hand_off, footprint):
            if phase.__name__.rpartition(".")[2] in works:
                phase.run(cast, plan)
    if "together" in works:
        say("starting on all cores")
        with Cast(specs, results, many) as cast:
            together.run(cast, plan)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sealbench", description=__doc__)
    parser.add_argument("--plan", choices=PLANS, default="full")
    parser.add_argument("--peers", nargs="*", choices=[spec.name for spec in SPECS])
    parser.add_argument("--works", nargs="*", choices=WORKS)
    parser.add_argument("--output", type=Path, default=FOLDER / "results")
    return parser.parse_args()


main()
