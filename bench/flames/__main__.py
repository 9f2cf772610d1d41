"""Samples put of 1 KiB and get of mapped buffers, and draws where their time goes.

    cd bench && ../.venv/bin/python -m flames [--seconds 10]

The client is looked at by py-spy, the daemon by async-profiler, an agent in it; client and daemon
share one core. Writes `docs/flames/*.svg`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from sealbench.environments import environment

from flames.picture import Hues, draw
from flames.stacks import Stacks

BENCH = Path(__file__).parents[1]
TREE = BENCH.parent
PICTURES = TREE / "docs" / "flames"
AGENT = "tools.profiler:async-profiler:4.2"
MICROS = 250
"""Between two samples."""

CLIENT: Hues = {
    "sealbuf": ("sealbuf", 28),
    "the rest of Python": ("", 205),
}
DAEMON: Hues = {
    "dev.sealbuf": ("dev/sealbuf", 28),
    "Netty": ("io/netty", 130),
    "Jackson": ("tools/jackson", 285),
    "JDK": ("java/ jdk/ sun/", 205),
    "kernel, C library, JVM": ("", 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Flame graphs of put and get.")
    parser.add_argument("--seconds", type=int, default=10)
    seconds = parser.parse_args().seconds
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for verb in ("put", "get"):
            print(f"{verb}: the client, {seconds} s", flush=True)
            stacks = of_client(folder / "client.txt", verb, seconds).below(verb)
            title = f"{verb} in Python: the client"
            (PICTURES / f"{verb}-client.svg").write_text(draw(title, stacks, CLIENT))
        print(f"put: the daemon, {seconds} s", flush=True)
        loop = "io/netty/channel/SingleThreadIoEventLoop.run"
        stacks = of_daemon(folder, seconds).below(loop)
        title = "put of 1 KiB: the daemon's event loop"
        (PICTURES / "put-daemon.svg").write_text(draw(title, stacks, DAEMON))


def of_client(output: Path, verb: str, seconds: int) -> Stacks:
    spy = environment("flames", "3.12", BENCH / "requirements" / "flames.txt").parent / "py-spy"
    command = [spy, "record", "--format", "raw", "--function", "--rate", str(10**6 // MICROS)]
    process = [sys.executable, "-m", "flames.work", verb, str(seconds)]
    _run([*command, "--output", output, "--", *process], {})
    return Stacks.read(output)


def of_daemon(folder: Path, seconds: int) -> Stacks:
    output = folder / "daemon.txt"
    asked = f"start,event=cpu,interval={MICROS}us,threads,collapsed,file={output}"
    options = f"-agentpath:{_agent(folder)}={asked} -XX:+PreserveFramePointer"
    command = [sys.executable, "-m", "flames.work", "put", str(seconds)]
    _run(command, {"SEALBUF_JAVA_OPTS": options})
    return Stacks.read(output)


def _agent(folder: Path) -> Path:
    copy = ["dependency:3.9.0:copy", f"-Dartifact={AGENT}", f"-DoutputDirectory={folder}"]
    _run([TREE / "scripts" / "maven", "-q", "-N", *copy], {})
    machine = "arm64" if os.uname().machine == "aarch64" else "x64"
    with zipfile.ZipFile(next(folder.glob("async-profiler-*.jar"))) as jar:
        return Path(jar.extract(f"linux-{machine}/libasyncProfiler.so", folder))


def _run(command: Sequence[object], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=BENCH, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"status={done.returncode} command={command}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
