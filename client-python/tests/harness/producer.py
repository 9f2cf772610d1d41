"""Publishing with nothing but the raw client: what a producer does, step by step."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from harness.bystander import within
from harness.raw import RawClient, Reply

F_SEAL_SEAL = 0x01
F_SEAL_SHRINK = 0x02
F_SEAL_GROW = 0x04
F_SEAL_WRITE = 0x08
F_SEAL_FUTURE_WRITE = 0x10
F_SEAL_EXEC = 0x20

PUBLISHED_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
LENT_SEALS = F_SEAL_SHRINK | F_SEAL_GROW
SHARED_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE
"""Those of slabs and catalog."""

FREED_SECONDS = 1.0


def seals(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_GET_SEALS)


def seal_names(fd: int) -> set[str]:
    found = seals(fd)
    names = ("SEAL", "SHRINK", "GROW", "WRITE", "FUTURE_WRITE", "EXEC")
    return {name for bit, name in enumerate(names) if found & 1 << bit}


@dataclass
class Loan:
    """An unfinished buffer and the producer's two descriptors, -1 once closed."""

    producer: RawClient
    lent: Reply
    writable: int
    readable: int

    @property
    def buffer(self) -> int:
        number: int = self.lent["buffer"]
        return number

    def close_writable(self) -> None:
        if self.writable >= 0:
            os.close(self.writable)
            self.writable = -1

    def close(self) -> None:
        self.close_writable()
        if self.readable >= 0:
            os.close(self.readable)
            self.readable = -1

    def seal(self) -> Reply:
        return self.producer.ask("seal", buffer=self.buffer)


def lend(producer: RawClient, name: str, nbytes: int) -> Loan:
    lent = producer.expect("lent", "create", name=name, nbytes=nbytes)
    writable, readable = lent.descriptors
    return Loan(producer, lent, writable, readable)


@contextmanager
def lent(producer: RawClient, name: str, nbytes: int) -> Iterator[Loan]:
    """A loan; at the end its descriptors are closed and the name is free again."""
    loan = lend(producer, name, nbytes)
    try:
        yield loan
    finally:
        loan.close()
        with suppress(ConnectionError):
            producer.ask("abort", buffer=loan.buffer)
            producer.ask("delete", name=name)


@contextmanager
def published(producer: RawClient, name: str, content: bytes) -> Iterator[Loan]:
    """A dedicated buffer with this content; deleted at the end. `writable` stays open."""
    with lent(producer, name, len(content)) as loan:
        assert os.pwrite(loan.writable, content, 0) == len(content)
        reply = loan.seal()
        assert reply.kind == "published", reply.head
        yield loan


def assert_soon_freed(observer: RawClient, why: str) -> None:
    """That what an ended producer left unfinished goes within a second."""
    freed = within(FREED_SECONDS, lambda: _unfinished(observer) == (0, 0))
    assert freed, f"not freed: killed={why} left={_unfinished(observer)}"


def _unfinished(observer: RawClient) -> tuple[int, int]:
    stats = observer.stats()
    return stats["unfinished"], stats["unfinished_bytes"]
