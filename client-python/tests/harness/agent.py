"""A process of another uid, told over a socket what to take hold of; see `attack/c/agent.c`."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.native import compiled
from harness.uids import Uid, as_uid

ATTACK_PROGRAMS = Path(__file__).parents[1] / "attack" / "c"

ANSWER_SECONDS = 30.0


class Agent:
    def __init__(self, uid: int = Uid.PRODUCER) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(ANSWER_SECONDS)
        with theirs:
            program = str(compiled(ATTACK_PROGRAMS / "agent.c"))
            self.process = subprocess.Popen(as_uid(uid, [program]), stdin=theirs.fileno())

    def do(self, command: str, fd: int | None = None) -> str:
        """Its answer: "0", or the name of the errno; "" when it died."""
        socket.send_fds(self._socket, [command.encode()], [] if fd is None else [fd])
        return self._socket.recv(64).decode()

    def must(self, command: str, fd: int | None = None) -> None:
        answer = self.do(command, fd)
        assert answer == "0", f"the agent could not: command={command} answer={answer!r}"

    def close(self) -> None:
        self._socket.close()
        self.process.wait(ANSWER_SECONDS)


@contextmanager
def agent(uid: int = Uid.PRODUCER) -> Iterator[Agent]:
    started = Agent(uid)
    try:
        yield started
    finally:
        started.close()
