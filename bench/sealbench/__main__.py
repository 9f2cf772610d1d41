"""Measures Sealbuf, its peers and the floors in turn; writes `latest.json` and its offspring."""

import argparse
import os
from pathlib import Path

from sealbench import alone, footprint, hand_off, machine, together
from sealbench.cast import Cast
from sealbench.cores import all_cores, measuring, spare
from sealbench.peers import SPECS, Spec
from sealbench.plan import PLANS, Plan
from sealbench.progress import say
from sealbench.publish import RESULTS, publish
from sealbench.results import Collector, Results

PHASES = {"alone": alone.run, "hand_off": hand_off.run, "footprint": footprint.run}
"""On one core."""
TOGETHER = "together"


def main() -> None:
    options = _options()
    specs = [spec for spec in SPECS if not options.peers or spec.name in options.peers]
    results = Results(machine.header(options.plan))
    options.output.mkdir(parents=True, exist_ok=True)
    cores = all_cores()
    collector = Collector()
    try:
        _measure(specs, results, collector, PLANS[options.plan], options.works)
    finally:
        os.sched_setaffinity(0, cores)
    results.replace(collector.rows())
    publish(results, options.output, pictures=not options.no_pictures)


def _measure(
    specs: list[Spec], results: Results, collector: Collector, plan: Plan, works: list[str]
) -> None:
    one, many = measuring(), all_cores()
    os.sched_setaffinity(0, spare())
    for number in range(1, plan.starts):
        say(f"starting on one core, {number} of {plan.starts}")
        with Cast(specs, results, collector, one):
            pass
    say("starting on one core")
    with Cast(specs, results, collector, one) as cast:
        for name, run in PHASES.items():
            if name in works:
                run(cast, plan)
    if TOGETHER in works:
        say("starting on all cores")
        with Cast(specs, results, collector, many) as cast:
            together.run(cast, plan)


def _options() -> argparse.Namespace:
    works = [*PHASES, TOGETHER]
    parser = argparse.ArgumentParser(prog="sealbench", description=__doc__)
    parser.add_argument("--plan", choices=PLANS, default="full")
    parser.add_argument("--peers", nargs="*", choices=[spec.name for spec in SPECS])
    parser.add_argument("--works", nargs="*", choices=works, default=works)
    parser.add_argument("--output", type=Path, default=RESULTS, help="a folder")
    parser.add_argument("--no-pictures", action="store_true", help="needs no matplotlib")
    return parser.parse_args()


main()
