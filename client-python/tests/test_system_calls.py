"""What a get, a put and a sealed buffer cost in system calls, counted by strace(1)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.daemon import Daemon
from harness.public import folder_for
from harness.uids import Uid
from helpers import child

pytestmark = [
    pytest.mark.daemon,
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace to count system calls"),
]

FILL = """
    import sys
    import sealbuf

    with sealbuf.connect(sys.argv[1]) as store:
        for number in range(10_000):
            store.put(b"%05d..%05d" % (number, number), f"calls/{number:05}")
"""

GETS = """
    import random, sys
    import sealbuf

    path, gets = sys.argv[1], int(sys.argv[2])
    names = [f"calls/{number:05}" for number in range(10_000)]
    firsts = {name: ord(name[6]) for name in names}
    lasts = {name: ord(name[-1]) for name in names}
    with sealbuf.connect(path) as store:
        get = store.get
        for name in names:
            get(name)
        for name in random.Random(7).choices(names, k=gets):
            buffer = get(name)
            if buffer[0] != firsts[name] or buffer[-1] != lasts[name]:
                sys.exit(f"another buffer: name={name} bytes={bytes(buffer)}")
"""

PUTS = """
    import sys
    import sealbuf

    with sealbuf.connect(sys.argv[1]) as store:
        for number in range(int(sys.argv[2])):
            store.put(bytes(1024), "calls", replace=True)
"""

SEALS = """
    import sys
    import sealbuf

    with sealbuf.connect(sys.argv[1]) as store:
        for number in range(int(sys.argv[2])):
            with store.create("large", nbytes=64 << 20) as writer:
                writer.memoryview()[:5] = b"hello"
            del writer
            store.delete("large")
"""

DELETED = 1
"""Requests of SEALS besides create and seal."""


def counted(code: str, *arguments: str) -> dict[str, int]:
    """How often a program made each system call, in all of its threads."""
    report = folder_for(Uid.PRODUCER, "strace") / "calls"
    under = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(report)]
    assert child.output(code, *arguments, under=under, seconds=60) == ""
    return table(report)


def table(report: Path) -> dict[str, int]:
    rows = re.findall(r"^\s*(\d+)\s+(\w+)$", report.read_text(), re.MULTILINE)
    return {name: int(calls) for calls, name in rows if name != "total"}


@pytest.fixture(scope="module", autouse=True)
def tracing_is_allowed() -> None:
    """Some containers forbid ptrace."""
    if shutil.which("strace"):
        done = subprocess.run(["strace", "-c", "true"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[:1]}")


@pytest.mark.timeout(120)
def test_a_hundred_thousand_gets_make_no_more_system_calls_than_a_thousand(daemon: Daemon) -> None:
    child.output(FILL, daemon.path)
    few = sum(counted(GETS, daemon.path, "1000").values())
    many = sum(counted(GETS, daemon.path, "100000").values())
    assert many - few < 200, f"few={few} many={many}"


def test_a_small_put_is_one_sendmsg_and_one_recvmsg(daemon: Daemon) -> None:
    one, more = counted(PUTS, daemon.path, "1"), counted(PUTS, daemon.path, "101")
    hello = 1
    assert (one["sendmsg"], one["recvmsg"]) == (hello + 1, hello + 1)
    assert (more["sendmsg"], more["recvmsg"]) == (hello + 101, hello + 101)


def test_a_large_buffer_is_two_of_each_and_takes_no_copy_through_the_socket(
    daemon: Daemon,
) -> None:
    one, more = counted(SEALS, daemon.path, "1"), counted(SEALS, daemon.path, "6")
    requests = 5 * (2 + DELETED)
    assert more["sendmsg"] - one["sendmsg"] == requests
    assert more["recvmsg"] - one["recvmsg"] == requests
    assert more.get("write", 0) == one.get("write", 0)
