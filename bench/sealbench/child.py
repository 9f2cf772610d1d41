"""A peer's process, seen from the one that measures: a question, an answer, a deadline."""

import json
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sealbench.peers import FOLDER, TREE

ANSWER_SECONDS = 180.0
STOP_SECONDS = 30.0
SPOILING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Slow a current NumPy down."""

Answer = dict[str, Any]


class Unable(Exception):
    """The peer has no such operation; the message is the reason."""


class Failed(Exception):
    """The peer raised, hung or ended; the message is what it said."""


class Child:
    def __init__(self, peer: str, python: Path, log: Path) -> None:
        self.peer = peer
        self._log_path = log
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [str(python), "-m", "peer", peer],
            cwd=FOLDER, env=_environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,  # Ctrl-C is for the one that asks
        )  # fmt: skip

    def ask(self, do: str, **arguments: Any) -> Answer:
        self.send(do, **arguments)
        return self.receive()

    def send(self, do: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write((json.dumps({"do": do, **arguments}) + "\n").encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self._end()) from None

    def receive(self) -> Answer:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0]:
            self._process.kill()
            raise Failed(f"no answer: waited={ANSWER_SECONDS}")
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._end())
        answer: Answer = json.loads(line)
        if "unable" in answer:
            raise Unable(answer["unable"])
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer

    @contextmanager
    def afterwards(self, do: str, **arguments: Any) -> Iterator[None]:
        """Asks for that at the end, even of what the peer is unable to do. Not of what failed: then
        nothing is known of the peer, and another failure would hide the first."""
        try:
            yield
        except Unable:
            self.ask(do, **arguments)
            raise
        self.ask(do, **arguments)

    def samples(self, do: str, **arguments: Any) -> list[int]:
        found: list[int] = self.ask(do, **arguments)["samples"]
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _end(self) -> str:
        status = self._process.wait(STOP_SECONDS)
        said = self._log_path.read_text(errors="replace").strip()[-1000:]
        return f"ended: status={status} stderr={said}"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in SPOILING}
    launcher = TREE / "server" / "target" / "sealbuf" / "bin" / "sealbuf"
    return {"SEALBUF_LAUNCHER": str(launcher), **kept}
