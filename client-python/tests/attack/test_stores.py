"""Stores that go on before, during and after the seal change nothing that anybody can read.

Invariant: what a reader finds in a published buffer at the first moment it finds at every later
one, while its producer goes on storing through its old mapping and the descriptor it kept; and
memory that was once lent never becomes part of another buffer.
"""

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from harness.agent import Agent, agent
from harness.daemon import Daemon
from harness.producer import Loan, lent, published
from harness.raw import Reply, frame
from harness.uids import Uid

pytestmark = [pytest.mark.shows(6), pytest.mark.one_version]

SIZE = 64 << 10
PAGE = 4096


@pytest.fixture
def former() -> Iterator[Agent]:
    with agent(Uid.PRODUCER) as started:
        yield started


def sealed_under_stores(loan: Loan, former: Agent, delay: float) -> Reply:
    """Asks for the seal first and gives up the mapping a little later, both while it stores."""
    producer = loan.producer
    producer.send(frame(producer.head("seal", buffer=loan.buffer)))
    time.sleep(delay)
    former.must("give_up_mapping")
    reply = producer.read()
    return loan.seal() if reply.kind == "still_mapped" else reply


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("undisturbed")
def test_stores_around_a_seal_change_nothing_once_it_is_answered(
    daemon: Daemon, former: Agent, rounds: Callable[..., int], rng: random.Random
) -> None:
    with daemon.open(Uid.PRODUCER) as producer:
        for _ in range(rounds(10_000)):
            with lent(producer, "stormy", SIZE) as loan:
                former.must("store", loan.writable)
                loan.close_writable()
                assert sealed_under_stores(loan, former, rng.random() / 2000).kind == "published"
                at_seal = os.pread(loan.readable, SIZE, 0)
                assert former.do("stop_storing") == "EPERM"
                assert os.pread(loan.readable, SIZE, 0) == at_seal


def test_the_same_stores_change_memory_that_is_not_sealed(former: Agent) -> None:
    memfd = os.memfd_create("control")
    os.truncate(memfd, SIZE)
    former.must("store", memfd)
    former.must("give_up_mapping")
    before = os.pread(memfd, SIZE, 0)
    assert before[0] != 0, "the mapping was never stored to"
    assert any(os.pread(memfd, SIZE, 0) != before for _ in range(10_000))
    assert former.do("stop_storing") == "0"
    os.close(memfd)


@pytest.mark.usefixtures("undisturbed")
def test_pages_that_a_former_producer_registered_are_in_no_later_buffer(
    daemon: Daemon, former: Agent, rounds: Callable[..., int], not_run: Callable[[str], None]
) -> None:
    """Its own readable descriptor shows that the kernel really wrote: the control of each round."""
    with daemon.open(Uid.PRODUCER) as producer:
        for number in range(rounds(1000)):
            with lent(producer, "abandoned", SIZE) as loan:
                answer = former.do("uring", loan.writable)
                if answer in ("ENOSYS", "EPERM"):
                    not_run(f"pages registered with io_uring by a former producer: {answer}")
                    return
                assert answer == "0"
                loan.close_writable()
                producer.expect("aborted", "abort", buffer=loan.buffer)
                small, content = number.to_bytes(8, "little") * 100, os.urandom(SIZE)
                producer.expect("published", "put", small, name="later-small")
                with published(producer, "later", content) as later:
                    former.must("uring_write")
                    assert os.pread(loan.readable, PAGE, 0) == bytes([0xEE]) * PAGE
                    assert os.pread(later.readable, SIZE, 0) == content
                    opened = producer.expect("opened", "open", name="later-small")
                    slab = os.pread(opened.descriptors[0], opened["slab_bytes"], 0)
                    opened.close()
                    assert small in slab
                    assert bytes([0xEE]) * PAGE not in slab
                former.must("release")
                producer.expect("deleted", "delete", name="later-small")
