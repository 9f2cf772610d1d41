"""A peer's process: `python -m peer NAME`, asked in JSON lines, one answer a question.

    {"do": "start", "cores": [0]}                   {"address": ..., "start_ns": ..., ...}
    {"do": "connect", "address": ..., "cores": [0]} {}
    {"do": "get", "nbytes": 64, "seconds": 0.1}     {"samples": [...]}
    any of them                                     {"unable": REASON} or {"failed": TRACEBACK}

Whatever libraries print goes to standard error. Ends with standard input.
"""

import gc
import importlib
import json
import os
import sys
import traceback
from typing import Any

from peer.clock import now
from peer.contract import Peer, Store, Unable
from peer.process import cpu_seconds, pin, pss_bytes, rss_bytes
from peer.work import Work

Answer = dict[str, Any]
OWN = ("start", "connect", "usage", "pss")


class Process:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._store: Store | None = None
        self._work: Work | None = None

    def answer(self, question: dict[str, Any]) -> Answer:
        verb = question.pop("do")
        try:
            if verb in OWN:
                answer: Answer = getattr(self, verb)(**question)
                return answer
            if self._work is None:
                raise AssertionError(f"not connected: do={verb}")
            return {"samples": getattr(self._work, verb)(**question)}
        except Unable as reason:
            return {"unable": str(reason)}
        except Exception:  # noqa: BLE001 - the peer is not ours: what it raises is a result
            return {"failed": traceback.format_exc()}

    def start(self, cores: list[int]) -> Answer:
        """Starts the servers, which inherit the cores, and connects."""
        pin(cores)
        begin = now()
        address = self._peer.start()
        self._connect(address)
        return {
            "address": address,
            "start_ns": now() - begin,
            "copies": self._store is not None and self._store.copies,
            "serves": bool(self._peer.servers()),
            "versions": {"python": sys.version.split()[0], **self._peer.versions()},
            "settings": self._peer.settings(),
        }

    def connect(self, address: str, cores: list[int]) -> Answer:
        pin(cores)
        self._connect(address)
        return {}

    def usage(self) -> Answer:
        """Of the servers."""
        servers = self._peer.servers()
        return {
            "rss_bytes": sum(map(rss_bytes, servers)),
            "cpu_seconds": sum(map(cpu_seconds, servers)),
        }

    def pss(self) -> Answer:
        """Of this process."""
        return {"pss_bytes": pss_bytes(os.getpid())}

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
        self._peer.stop()

    def _connect(self, address: str) -> None:
        self._store = self._peer.connect(address)
        self._work = Work(self._store, str(os.getpid()))


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module = importlib.import_module(f"peers.{sys.argv[1]}")
    process = Process(module.Here())
    gc.disable()
    try:
        for line in sys.stdin:
            answers.write(json.dumps(process.answer(json.loads(line))) + "\n")
            gc.collect()
    finally:
        process.close()


main()
