"""What a reader does to the descriptors it was handed is nobody's business but its own.

Invariant: readers share open files with each other and with the daemon, so offset, flags, locks and
leases are anybody's to change. Nothing that is served depends on them, and nobody waits for them:
not for a lock, and not the 45 seconds in which the kernel breaks a lease.
"""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest

import sealbuf
from harness.bystander import overcommitment
from harness.daemon import Daemon
from harness.marked import check, marked
from harness.producer import published
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(47),
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.usefixtures("undisturbed"),
]

SIZE = 300 << 10
GETS = 100
SECONDS = 0.010

ATTACKS: dict[str, Callable[[int], object]] = {
    "fchmod": lambda fd: os.fchmod(fd, 0),
    "read-lease": lambda fd: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK),
    "write-lease": lambda fd: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK),
    "flock": lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
    "record-lock": lambda fd: fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB),
    "lseek": lambda fd: os.lseek(fd, 1 << 40, os.SEEK_SET),
    "flags": lambda fd: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND | os.O_ASYNC),
    "owner": lambda fd: fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid()),
}
OF_THE_OWNER = {"fchmod": "EPERM", "read-lease": "EACCES", "write-lease": "EACCES"}
"""What the kernel leaves to the uid that owns the file, the daemon's."""


def tried(attack: Callable[[int], object], fd: int) -> str:
    try:
        attack(fd)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "0"


def meddle(path: str, how: str, channel: Channel) -> None:
    """Does it to the catalog, a slab and a segment, says how that went, and holds on to them."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # a lease that is to be given up
    client = RawClient.connect_here(path)
    catalog = client.hello().descriptors
    opened = client.expect("opened", "open", name="victim")
    channel.say([tried(ATTACKS[how], fd) for fd in (*catalog, *opened.descriptors)])
    channel.hear()


def get_again_and_again(path: str, channel: Channel) -> None:
    """Each time told, as often as GETS, how long it took from the connection to the bytes."""
    while channel.hear():
        seconds = []
        for _ in range(GETS):
            start = time.monotonic()
            with sealbuf.connect(path) as store:
                assert check("victim", store.get("victim").memoryview()) == 1
                assert bytes(store.get("small")) == b"small"
            seconds.append(time.monotonic() - start)
        channel.say(sorted(seconds))


@pytest.mark.parametrize("uid", [Uid.READER, Uid.DAEMON], ids=["reader", "daemons-uid"])
@pytest.mark.parametrize("how", ATTACKS)
def test_the_next_reader_is_served_as_before(
    daemon: Daemon, uid: Uid, how: str, measured: Callable[[str], None]
) -> None:
    content = marked("victim", 1, SIZE)
    with (
        daemon.open(Uid.PRODUCER) as producer,
        published(producer, "victim", content),
        worker(partial(get_again_and_again, daemon.path), Uid.READER) as reader,
    ):
        producer.expect("published", "put", b"small", name="small")
        with worker(partial(meddle, daemon.path, how), uid) as meddler:
            answers = meddler.hear()
            if how in OF_THE_OWNER and uid != Uid.DAEMON:
                assert set(answers) == {OF_THE_OWNER[how]}
            elif "lease" not in how:
                assert set(answers) == {"0"}
            reader.say(True)
            seconds = reader.hear()
            producer.expect("published", "put", b"small", name="small", replace=True)
            with published(producer, "another", content):
                pass
        reader.say(False)
        reader.finish()
        producer.expect("deleted", "delete", name="small")
    median, slowest = seconds[GETS // 2], seconds[-1]
    measured(
        f"{how} by {uid.name}: {', '.join(answers)}; two gets {median * 1000:.1f} ms, slowest"
        f" {slowest * 1000:.1f} ms"
    )
    assert median < SECONDS * overcommitment()
