"""`sealbuf verify`: finds nothing where all is well, and bites where it is not.

Each test runs the command as users do, with workers in Java and in this Python, which it kills.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import pytest

import sealbuf
from harness.daemon import cli, running
from harness.public import folder_for, python_environment
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.one_version, pytest.mark.daemon, pytest.mark.timeout(300)]

PREFIX = "verify/"
CEILING = 240.0


@contextmanager
def verifying(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The command, which has ended at the end of the block. Its temporary folder is a new one."""
    python, variables = python_environment()
    folder = folder_for(Uid.DAEMON, "temporary", mode=0o700)
    options = f"{os.environ.get('SEALBUF_JAVA_OPTS', '')} -Djava.io.tmpdir={folder}"
    process = subprocess.Popen(
        cli("verify", "--json", "--python", python, *arguments, uid=Uid.DAEMON),
        env={**os.environ, **variables, "SEALBUF_JAVA_OPTS": options},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=CEILING)
    assert list(folder.iterdir()) == []


def lines(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    said, _ = process.communicate(timeout=CEILING)
    return [json.loads(line) for line in said.splitlines()]


def only(kind: str, said: Sequence[dict[str, Any]]) -> list[Any]:
    return [line[kind] for line in said if kind in line]


def test_a_private_daemon_passes_in_both_languages() -> None:
    with verifying("--duration", "6s") as process:
        said = lines(process)
    assert process.returncode == 0, said
    (summary,) = only("summary", said)
    assert summary["faults"] == 0
    counts = ("sealed", "compared", "compared_bytes", "killed_producers", "killed_readers")
    assert all(summary[count] > 0 for count in counts), said
    assert any("in Java and in Python" in note for note in only("note", said)), said
    assert any(note.startswith("daemon at the end: ") for note in only("note", said)), said
    assert only("running", said), "nothing was said meanwhile"


def test_a_running_daemon_is_left_as_it_was() -> None:
    with running() as daemon:
        with daemon.open(Uid.DAEMON) as owner:
            owner.expect("published", "put", b"not of this run", name=f"{PREFIX}mine")
        with verifying("--duration", "5s", "--socket", daemon.path) as process:
            said = lines(process)
        assert process.returncode == 0, said
        with worker(partial(tell_names, daemon.path)) as observer:
            observer.expect([f"{PREFIX}mine"])


def tell_names(path: str, channel: Channel) -> None:
    with sealbuf.connect(path) as store:
        channel.say([entry.name for entry in store.list()])


def test_ctrl_c_ends_it_with_its_summary() -> None:
    """A terminal sends it to all processes of the group, whatever they are at."""
    with verifying("--duration", "10m") as process:
        said = [json.loads(line) for line in heard_until_sealed(process)]
        os.killpg(process.pid, signal.SIGINT)
        said += lines(process)
    assert process.returncode == 0, said
    assert only("summary", said)[0]["faults"] == 0


def heard_until_sealed(process: "subprocess.Popen[str]") -> list[str]:
    heard: list[str] = []
    assert process.stdout is not None
    while not heard or not json.loads(heard[-1]).get("running", {}).get("sealed"):
        heard.append(process.stdout.readline())
        assert heard[-1], heard
    return heard


@pytest.mark.parametrize("lie", ["another byte", "a byte more"])
def test_whoever_changes_a_name_behind_its_back_is_found_out(lie: str) -> None:
    """The negative control: what the kernel does not allow is done by replacing the buffer."""
    with (
        running() as daemon,
        verifying("--duration", "10m", "--kills", "0", "--socket", daemon.path) as process,
    ):
        with worker(partial(replace_and_tell, daemon.path, lie), Uid.DAEMON) as liar:
            said = lines(process)
            names = []
            while liar.heard():
                names.append(liar.hear())
        assert process.returncode == 1, said
        faults = only("fault", said)
        assert any(f"name={name} " in faults[0] for name in names), (names, faults)
        assert "the bytes are not those that were sealed" in faults[0]
        assert only("summary", said)[0]["faults"] > 0


def replace_and_tell(path: str, lie: str, channel: Channel) -> None:
    """Replaces buffers by ones that are not what their labels say, and tells their names first. It
    goes on: a name may be gone before anybody looks at it."""
    with sealbuf.connect(path, timeout=CEILING) as store:
        while True:
            for entry in store.list(PREFIX):
                with suppress(sealbuf.Error):  # gone, or being written
                    buffer = store.get(entry.name)
                    if label := buffer.metadata:
                        channel.say(entry.name)
                        store.put(lied(buffer, lie), entry.name, metadata=label, replace=True)
                sleep(0.05)


def lied(buffer: sealbuf.Buffer, lie: str) -> bytes:
    data = bytes(buffer.memoryview())
    if lie == "a byte more":
        return data + b"0"
    return data[:-1] + bytes([data[-1] ^ 1]) if data else b"0"


def test_a_python_without_the_client_is_a_mistake_or_a_line() -> None:
    bare = folder_for(Uid.DAEMON, "bare") / "python3"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    refused = run_with_path(bare.parent, "--python", str(bare))
    assert refused.returncode == 2
    assert f"no sealbuf of this version: python={bare}" in refused.stderr
    alone = run_with_path(bare.parent, "--duration", "2s")
    assert alone.returncode == 0, alone.stdout
    assert "workers in Java alone" in alone.stdout


def run_with_path(first: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        cli("verify", *arguments, uid=Uid.DAEMON), capture_output=True, text=True, timeout=CEILING,
        env={**os.environ, "PATH": f"{first}:{os.environ['PATH']}"}, check=False,
    )  # fmt: skip
