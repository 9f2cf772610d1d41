"""Sealbuf from Java to Python: the producer of a hand-off is a JVM, its consumer is Python.

`java/Producer.java` fills, rests and seals; System.nanoTime is Python's perf_counter_ns on Linux.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from peer.contract import Delegating, Peer, Store, Unable

from peers.sealbuf import Connection
from peers.sealbuf import Here as Sealbuf

BENCH = Path(__file__).parents[1]
LIBRARIES = BENCH.parent / "server" / "target" / "sealbuf" / "lib"
ONLY = "only hands over"


class JavaProducer(Delegating):
    def __init__(self, address: str) -> None:
        self._connection = Connection(address)
        self._address = address
        self._process: subprocess.Popen[str] | None = None

    def put(self, name: str, data: memoryview) -> None:
        raise Unable(ONLY)

    def get(self, name: str) -> memoryview:
        raise Unable(ONLY)

    def put_all(self, items: Iterable[tuple[str, memoryview]]) -> None:
        raise Unable(ONLY)

    def ping(self) -> None:
        raise Unable(ONLY)

    def delete(self, name: str) -> None:
        self._connection.delete(name)

    def expect(self) -> None:
        if self._process is None:
            self._process = started(self._address)

    def produce(self, prefix: str, nbytes: int, count: int, pause_ns: int) -> list[int]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{prefix} {nbytes} {count} {pause_ns}\n")
        self._process.stdin.flush()
        return [int(word) for word in self._process.stdout.readline().split()]

    def wait(self, name: str) -> memoryview:
        return self._connection.wait(name)

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()
        self._connection.close()


def started(address: str) -> "subprocess.Popen[str]":
    """A JVM that has connected."""
    java = Path(_java_home()) / "bin" / "java"
    command = [str(java), "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"]
    process = subprocess.Popen(
        [*command, "-cp", f"{LIBRARIES}/*", str(BENCH / "java" / "Producer.java"), address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise AssertionError(f"the producer did not start: status={process.wait()}")
    return process


def _java_home() -> str:
    given = os.environ.get("JAVA25_HOME")
    find = str(BENCH.parent / "scripts" / "find-jdk")
    return given or subprocess.check_output([find], text=True).strip()


class Here(Peer):
    def __init__(self) -> None:
        self._sealbuf = Sealbuf()

    def start(self) -> str:
        return self._sealbuf.start()

    def connect(self, address: str) -> Store:
        return JavaProducer(address)

    def versions(self) -> dict[str, str]:
        return self._sealbuf.versions()

    def settings(self) -> dict[str, str]:
        return self._sealbuf.settings()

    def stop(self) -> None:
        self._sealbuf.stop()
