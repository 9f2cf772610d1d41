"""The demo: one daemon, one Java producer, four Python workers; at the end tables and a picture,
all computed from what the workers read.

``python run.py [--seed N] [--out FOLDER]``. Needs the build (`make demo` does it). Everything but
the picture is gone afterwards.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import report
import sheet
from report import say

HERE = Path(__file__).parent
TREE = HERE.parent.parent
DIST = TREE / "server/target/sealbuf"
WORKERS = 4
PHOTOGRAPHS = "scikit-image==0.26.0"
DAEMON_UID = 20001


def photographs() -> Path:
    """Real photographs, from the scikit-image wheel; fetched once and kept under server/target."""
    folder = TREE / "server/target/demo/photographs"
    if folder.exists():
        return folder
    say(f"fetching photographs ({PHOTOGRAPHS}) ...")
    with tempfile.TemporaryDirectory() as wheels:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "--python-version=3.11", "-d", wheels, PHOTOGRAPHS], check=True)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with zipfile.ZipFile(next(Path(wheels).glob("*.whl"))) as wheel:
            for member in wheel.namelist():
                if member.startswith("skimage/data/") and member.endswith((".png", ".jpg")):
                    (partial / Path(member).name).write_bytes(wheel.read(member))
        partial.rename(folder)
    return folder


def java_home() -> Path:
    """A JDK 25, found as the build found it."""
    return Path(subprocess.check_output([TREE / "scripts/find-jdk"], text=True).strip())


class Served(NamedTuple):
    """A running daemon."""

    pid: int
    socket: Path
    has_own_uid: bool


def own_uid() -> list[str]:
    """As root, the daemon gets a uid of its own, as it should, if that uid reaches the launcher.

    Its group is this process's, since it can give its socket only to a group it is in.
    """
    drop = ["setpriv", f"--reuid={DAEMON_UID}", f"--regid={os.getegid()}", "--clear-groups"]
    drop += ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []
    reaches = subprocess.run(
        [*drop, "test", "-r", DIST / "lib"], stderr=subprocess.DEVNULL, check=False
    )
    return drop if reaches.returncode == 0 else []


@contextmanager
def daemon() -> Iterator[Served]:
    """A daemon on a private socket; stopped by SIGTERM, and looked at what it leaves."""
    drop = own_uid()
    with tempfile.TemporaryDirectory(prefix="sealbuf-demo-") as folder:
        path = Path(folder) / "run" / "sealbuf.sock"
        path.parent.mkdir()
        command: list[str | Path] = [
            *drop,
            DIST / "bin/sealbuf",
            "serve",
            "--socket",
            path,
            "--capacity",
            "1GiB",
        ]
        if drop:
            Path(folder).chmod(0o755)
            os.chown(path.parent, DAEMON_UID, os.getegid())
            command += ["--group", str(os.getegid())]
        process = subprocess.Popen(command)
        try:
            wait_until_it_answers(process, path)
            yield Served(process.pid, path, bool(drop))
        finally:
            process.terminate()
            process.wait(10)
        left = sorted(file.name for file in path.parent.iterdir())
        say(f"daemon stopped with status {process.returncode}; left: {left or 'nothing'}")


def wait_until_it_answers(process: subprocess.Popen[bytes], path: Path) -> None:
    deadline = time.monotonic() + 30
    ping: list[str | Path] = [
        sys.executable,
        "-c",
        "import sys, sealbuf; sealbuf.connect(sys.argv[1]).ping()",
        path,
    ]
    while subprocess.run(ping, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the daemon did not start: status={process.returncode}")


def produce(path: Path, photos: Path, large: Path, seed: int) -> list[list[str]]:
    """Runs Producer.java; its lines, as fields."""
    home = java_home()
    command: list[str | Path] = [
        home / "bin/java",
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        f"{DIST}/lib/*",
    ]
    output = subprocess.check_output(
        [*command, HERE / "Producer.java", path, photos, large, str(seed)], text=True
    )
    return [line.split("\t") for line in output.splitlines()]


def work(path: Path, out: Path) -> tuple[list[dict[str, Any]], list[dict[str, int]]]:
    """All workers at once: what they computed, and smaps while all of them hold the pages."""
    command: list[str | Path] = [sys.executable, HERE / "worker.py", path]
    workers = [
        subprocess.Popen(
            [*command, str(number), str(WORKERS), out],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(WORKERS)
    ]
    reports = [answer(worker) for worker in workers]
    figures = [answer(worker, "now\n") for worker in workers]
    for worker in workers:
        worker.communicate()
    return reports, figures


def answer(worker: "subprocess.Popen[str]", question: str = "") -> Any:
    """Writes a line to a worker, if there is one, and reads its next line."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(question)
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise SystemExit(f"a worker ended too early: status={worker.wait()}")
    return json.loads(line)


def attack(served: Served) -> list[list[str]]:
    """Runs attempts.py; its lines, as fields."""
    command: list[str | Path] = [sys.executable, HERE / "attempts.py", served.socket, "large-file"]
    if served.has_own_uid:
        command += [str(served.pid), str(DAEMON_UID)]
    output = subprocess.check_output(command, text=True)
    return [line.split("\t") for line in output.splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description="Java publishes, Python reads the same pages.")
    parser.add_argument("--seed", type=int, default=0, help="other photographs, crops and bytes")
    parser.add_argument("--out", type=Path, default=TREE / "demo-out", help="for the picture")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photos, large = photographs(), java_home() / "lib/modules"
    began = time.perf_counter()
    with daemon() as served, tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        lines = produce(served.socket, photos, large, options.seed)
        reports, figures = work(served.socket, scratch)
        verdicts = [line[1:] for line in lines if line[0] == "attempt"] + attack(served)
        again, _ = work(served.socket, scratch)
        picture = options.out / "contact-sheet.png"
        seen = [photo for worker in reports for photo in worker["photographs"]]
        sheet.write(seen, picture)
    seconds = time.perf_counter() - began

    report.photographs(seen)
    report.sharing(reports, figures)
    faults = report.attempts(verdicts)
    report.published([line for line in lines if line[0] == "published"])
    _, file, offset, nbytes = next(line for line in lines if line[0] == "large-file")
    computed = {worker["sha256"] for worker in [*reports, *again]}
    faults += report.digests(file, offset, nbytes, computed)
    say(f"contact sheet: {picture}\nall in {seconds:.1f} s")
    if faults:
        say("FAILED: " + "; ".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
