"""What SECURITY.md and the table of evidence name is there."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TREE = TESTS.parents[1]
TABLE = tomllib.loads((TREE / "docs" / "tests.toml").read_text())
JAVA = list(TREE.glob("*/src/test/java/**/*Test.java"))

sys.path.insert(0, str(TREE / "scripts"))

import evidence  # noqa: E402 - found only now


def exists(test: str) -> bool:
    """`folder/test_file.py::test_name`, or `ClassTest.method` of Java's."""
    file, _, function = test.partition("::")
    if function:
        path = TESTS / file
        return path.is_file() and f"def {function}(" in path.read_text()
    simple, _, method = test.partition(".")
    sources = [path.read_text() for path in JAVA if path.stem == simple]
    return any(re.search(rf"void {method}\(", source) for source in sources)


def test_every_test_that_the_security_policy_names_exists() -> None:
    rows = [row.split("|") for row in (TREE / "SECURITY.md").read_text().splitlines()]
    promises = [row for row in rows if len(row) == 4 and "shown by" not in row[2]]
    named = {row[1].strip(): re.findall(r"`([^`]+)`", row[2]) for row in promises if "`" in row[2]}
    assert len(named) > 20
    missing = [test for tests in named.values() for test in tests if not exists(test)]
    assert missing == []
    assert [
        row[1] for row in promises if row[1].strip(" -") and not named.get(row[1].strip())
    ] == []


@pytest.mark.parametrize(
    "test", ["attack/test_seals.py::test_no_such", "attack/test_none.py::test_a", "NoTest.none"]
)
def test_a_test_that_does_not_exist_would_be_found(test: str) -> None:
    assert not exists(test)


def test_every_number_that_a_test_shows_is_in_the_table() -> None:
    sources = [path.read_text() for path in (*JAVA, *TESTS.rglob("test_*.py"))]
    marks = [mark for text in sources for mark in re.findall(r"mark\.shows\(([\d, ]+)\)", text)]
    shown = {number for mark in marks for number in re.findall(r"\d+", mark)}
    shown |= {number for text in sources for number in re.findall(r'@Tag\("shows-(\d+)"\)', text)}
    assert shown <= {number for area in TABLE.values() for number in area}


def test_results_become_rows(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("full, abc, 2026-01-01\n")
    (tmp_path / "python.xml").write_text(
        '<testsuites><testsuite><testcase classname="tests.attack.test_a" name="test_b[x]">'
        '<properties><property name="shows" value="3"/><property name="rounds" value="5 of 9"/>'
        '<property name="measured" value="2 | 3 ms"/><property name="bystander" value="rounds=1000'
        " daemon_p50=1 daemon_p99=20 daemon_max=3000 echo_p50=1 echo_p99=10 echo_max=5"
        '"/></properties></testcase></testsuite></testsuites>'
    )
    (tmp_path / "java.xml").write_text(
        '<e:events xmlns="c" xmlns:e="e" xmlns:java="j" xmlns:junit="u"><e:started id="1">'
        "<metadata><tags><tag>shows-3</tag></tags><junit:type>TEST</junit:type></metadata><sources>"
        '<java:methodSource className="a.B" methodName="c"/></sources></e:started>'
        '<e:finished id="1"><result status="FAILED"/></e:finished></e:events>'
    )
    text = evidence.report(
        {"Area": {"3": ["tried", "figure"], "4": ["it", "none", "why"]}}, [tmp_path]
    )
    run = "full, abc, 2026-01-01"
    figures = r"2 \| 3 ms; bystander: p99 2.0x (20 us), longest 3.0 ms, 1000 pings"
    assert text.splitlines()[-3:] == [
        f"| 3 | tried: **figure** | `B.c` |  |  | 1 failed | {run} |",
        f"|  |  | `attack/test_a.py::test_b` | 5 of 9 | {figures} | 1 passed | {run} |",
        "| 4 | it: **none** |  |  |  | not run: why |  |",
    ]
