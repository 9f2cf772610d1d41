"""Prints one table of a test run, suite by suite: checks, Java, fuzzing, Python, the safety tests
with prepared memory, artifacts, containers.

Usage: test_report.py REPORTS SUREFIRE...

REPORTS holds what scripts/test left there: NAME.status with the exit status of each stage,
python-X.Y.xml in JUnit's format, python-X.Y.missing with a sentence where there is no interpreter.
Each SUREFIRE is a folder of Maven's reports in the same format.

A suite that failed without a failed test (it did not compile, no report was written) counts as one
failure, and so does a JVM that Maven killed for taking too long: nothing that was not seen to pass
is taken for passed. A part that a test could not run counts as a skip beside the test itself. Skips
also go to REPORTS/skips.txt, one line each, for comparison with a list of accepted ones. Exit
status 1 after any failure.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

CHECKS = ("java-format", "ruff-format", "ruff-check", "mypy", "pyright", "docs")
PYTHONS = ("3.11", "3.12", "3.13")
CONTAINERS = "dev.sealbuf.server.container."
FUZZING = "-fuzzing.xml"


@dataclass
class Suite:
    name: str
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def read(self, report: Path) -> None:
        tree = ElementTree.parse(report)
        for part in tree.iterfind(".//property[@name='not_run']"):
            self.skips.append(f"a part of a test: {one_line(part.get('value'))}")
        for case in tree.iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            skip = case.find("skipped")
            if skip is not None:
                self.skips.append(f"{name}: {one_line(skip.get('message'))}")
            elif case.find("failure") is not None or case.find("error") is not None:
                if name not in self.failures:  # pytest reports a failed teardown as a second case
                    self.failures.append(name)
            else:
                self.passed += 1

    def close(self, status: int) -> None:
        if status != 0 and not self.failures:
            self.failures.append(f"the suite itself: status={status}")


def one_line(text: str | None) -> str:
    return " ".join((text or "no reason given").split())


def status_of(reports: Path, stage: str) -> int:
    file = reports / f"{stage}.status"
    return int(file.read_text()) if file.exists() else 1


def checks(reports: Path) -> Suite:
    suite = Suite("checks")
    for name in CHECKS:
        if status_of(reports, name) == 0:
            suite.passed += 1
        else:
            suite.failures.append(name)
    return suite


def java(reports: Path, surefire: list[Path]) -> Suite:
    suite = Suite("Java")
    for folder in surefire:
        for report in sorted(folder.glob("TEST-*.xml")):
            if CONTAINERS not in report.name and not report.name.endswith(FUZZING):
                suite.read(report)
        killed = (f"a JVM that was killed: {dump}" for dump in sorted(folder.glob("*.dump")))
        suite.failures.extend(killed)
    suite.close(status_of(reports, "java"))
    return suite


def of_maven(reports: Path, name: str, surefire: list[Path], pattern: str) -> Suite:
    """A stage that is another run of Maven, whose reports have names of their own."""
    suite = Suite(name)
    for folder in surefire:
        for report in sorted(folder.glob(pattern)):
            suite.read(report)
    suite.close(status_of(reports, name))
    return suite


def python(reports: Path, version: str) -> Suite:
    suite = Suite(f"Python {version}")
    missing = reports / f"python-{version}.missing"
    if missing.exists():
        suite.skips.append(f"whole suite: {one_line(missing.read_text())}")
        return suite
    report = reports / f"python-{version}.xml"
    if report.exists():
        suite.read(report)
    suite.close(status_of(reports, f"python-{version}"))
    return suite


def stage(reports: Path, name: str) -> Suite:
    suite = Suite(name)
    report = reports / f"{name}.xml"
    if report.exists():
        suite.read(report)
    suite.close(status_of(reports, name))
    return suite


def main(reports: Path, surefire: list[Path]) -> int:
    suites = [checks(reports), java(reports, surefire), *(python(reports, v) for v in PYTHONS)]
    if (reports / "containers.status").exists():  # not after `make test-quick`, as these four
        suites.insert(2, of_maven(reports, "fuzzing", surefire, f"TEST-*{FUZZING}"))
        suites.append(stage(reports, "prepared"))
        suites.append(stage(reports, "artifacts"))
        suites.append(of_maven(reports, "containers", surefire, f"TEST-{CONTAINERS}*.xml"))
    print(f"\n{'':12}" + "".join(f"{suite.name:>13}" for suite in suites))
    for row, counts in (
        ("passed", [suite.passed for suite in suites]),
        ("failed", [len(suite.failures) for suite in suites]),
        ("skipped", [len(suite.skips) for suite in suites]),
    ):
        print(f"{row:12}" + "".join(f"{count:>13}" for count in counts))

    failures = [f"{suite.name} {failure}" for suite in suites for failure in suite.failures]
    skips = [f"{suite.name} {skip}" for suite in suites for skip in suite.skips]
    for title, lines in (("Failed", failures), ("Skipped", skips)):
        if lines:
            print(f"\n{title}:", *lines, sep="\n  ")
    (reports / "skips.txt").write_text("".join(f"{skip}\n" for skip in skips))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]]))
