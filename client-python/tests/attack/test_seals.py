"""Nothing is published while anybody could still write to it.

Invariant: `published` is answered only when no mapping, forked copy, pinned page or I/O in flight
is left through which a byte could change; until then the answer is `still_mapped`, no reader gets
the segment, and the daemon serves everybody else. Each test lets go afterwards and sees the seal
succeed, so that a refusal for another reason cannot pass for this one.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.agent import Agent, agent
from harness.daemon import Daemon
from harness.producer import Loan, lent
from harness.public import folder_for
from harness.raw import RawClient
from harness.uids import Uid

pytestmark = pytest.mark.one_version

SIZE = 64 << 10
CONTROL_ROUNDS = 1000
"""On a busy machine a read may have ended before anybody looks."""
IN_FLIGHT_SIZE = 4 << 20


@pytest.fixture
def accomplice() -> Iterator[Agent]:
    with agent(Uid.PRODUCER) as started:
        yield started


def assert_nobody_gets_it(reader: RawClient, loan: Loan) -> None:
    """Not by name, not by number, not in a listing."""
    reader.expect("not_found", "open", name="held")
    assert reader.entries("held") == []
    mapped = reader.ask("map", segment=loan.lent["segment"])
    secret = os.fstat(loan.readable).st_ino
    assert secret not in [os.fstat(fd).st_ino for fd in mapped.descriptors]
    mapped.close()


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "how",
    [
        *(
            pytest.param(how, marks=pytest.mark.shows(3))
            for how in ("map_writable", "map_readable", "fork")
        ),
        *(pytest.param(how, marks=pytest.mark.shows(4)) for how in ("splice", "vmsplice", "uring")),
    ],
)
def test_a_seal_is_refused_while_somebody_could_write(
    daemon: Daemon,
    accomplice: Agent,
    rounds: Callable[..., int],
    not_run: Callable[[str], None],
    how: str,
) -> None:
    content = os.urandom(SIZE)
    with daemon.open(Uid.PRODUCER) as producer, daemon.open(Uid.READER) as reader:
        for _ in range(rounds(100)):
            with lent(producer, "held", SIZE) as loan:
                os.pwrite(loan.writable, content, 0)
                answer = accomplice.do(how, loan.writable)
                if how == "uring" and answer in ("ENOSYS", "EPERM"):
                    not_run(f"a seal with a page held by io_uring: the host says {answer}")
                    return
                assert answer == "0"
                loan.close_writable()

                assert loan.seal().kind == "still_mapped"
                assert_nobody_gets_it(reader, loan)
                accomplice.must("release")
                assert loan.seal().kind == "published"

                opened = reader.expect("opened", "open", name="held")
                assert os.pread(opened.descriptors[-1], SIZE, 4) == content[4:]
                opened.close()


@pytest.fixture(scope="module")
def source() -> Path:
    """A file for direct reads; its content differs from what the daemon hands out, zeroes."""
    path = folder_for(Uid.PRODUCER, "source") / "random"
    path.write_bytes(os.urandom(IN_FLIGHT_SIZE))
    path.chmod(0o644)
    return path


def contents(fd: int) -> bytes:
    return os.pread(fd, IN_FLIGHT_SIZE, 0)


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(49)
def test_a_read_in_flight_changes_nothing_once_sealed(
    daemon: Daemon,
    accomplice: Agent,
    source: Path,
    rounds: Callable[..., int],
    not_run: Callable[[str], None],
) -> None:
    with daemon.open(Uid.PRODUCER) as producer:
        for _ in range(rounds(1000)):
            with lent(producer, "in-flight", IN_FLIGHT_SIZE) as loan:
                answer = accomplice.do(f"read_direct {source}", loan.writable)
                loan.close_writable()
                if answer == "EINVAL":
                    not_run(f"direct reads around a seal: no O_DIRECT in {source.parent}")
                    return
                assert answer == "0"
                reply = loan.seal()
                at_seal = contents(loan.readable)
                accomplice.must("wait_for_reads")
                assert reply.kind in ("published", "still_mapped")
                if reply.kind == "published":
                    assert contents(loan.readable) == at_seal


@pytest.mark.shows(49)
def test_the_same_read_changes_bytes_that_are_not_sealed(
    accomplice: Agent, source: Path, not_run: Callable[[str], None]
) -> None:
    for _ in range(CONTROL_ROUNDS):
        memfd = os.memfd_create("control")
        os.posix_fallocate(memfd, 0, IN_FLIGHT_SIZE)
        answer = accomplice.do(f"read_direct {source}", memfd)
        if answer == "EINVAL":
            not_run(f"control of direct reads: no O_DIRECT in {source.parent}")
            return
        at_once = contents(memfd)
        accomplice.must("wait_for_reads")
        changed = contents(memfd) != at_once
        os.close(memfd)
        if changed:
            return
    pytest.fail(f"no read was in flight: rounds={CONTROL_ROUNDS}")
