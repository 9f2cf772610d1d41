"""Memory that somebody keeps in a way that shows in no lease is still not given away twice.

Invariant: a file opened with O_PATH, or pages in a pipe, keep deleted memory without an open file
that the daemon could see. The kernel charges it to the daemon's control group all the same, and by
that charge the store is full before the group is: nobody is killed.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.bystander import within
from harness.daemon import Daemon, cli, running
from harness.producer import lend
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [
    pytest.mark.shows(51),
    pytest.mark.one_version,
    pytest.mark.several_uids,
    pytest.mark.timeout(120),
]

MEMORY = Path("/sys/fs/cgroup/memory")
LIMIT = 640 << 20
HELD = 8
SIZE = 16 << 20
PIPE_BYTES, PIPES = 1 << 20, 5
SEEN_SECONDS = 2.0


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of version 1, below the one of this process."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    own = next((path for _, controllers, path in lines if controllers == "memory"), None)
    if own is None or not MEMORY.is_dir():
        pytest.skip("no memory control group of version 1 here")
    made = MEMORY / own.lstrip("/") / f"sealbuf-unseen-{os.getpid()}"
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"a control group cannot be made: {error}")
    (made / "memory.limit_in_bytes").write_text(str(LIMIT))
    yield made
    made.rmdir()


@pytest.fixture
def grouped(group: Path) -> Iterator[Daemon]:
    join = f'echo $$ >{group}/cgroup.procs && exec "$@"'
    with running(command=["sh", "-c", join, "sh", *cli(uid=Uid.DAEMON)]) as daemon:
        yield daemon


def kills(group: Path) -> int:
    lines = (group / "memory.oom_control").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def keep_path(fd: int) -> None:
    os.open(f"/proc/self/fd/{fd}", os.O_PATH)


def keep_pages(fd: int) -> None:
    """A pipe's worth each. One uid may fill so many pipes as to keep 64 MiB."""
    for at in range(0, PIPES * PIPE_BYTES, PIPE_BYTES):
        _, into = os.pipe()
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        moved = 0
        while moved < PIPE_BYTES:
            moved += os.splice(fd, into, PIPE_BYTES - moved, offset_src=at + moved)


KEPT: dict[Callable[[int], None], int] = {keep_path: SIZE, keep_pages: PIPES * PIPE_BYTES}
"""Of each buffer."""


def hold(path: str, keep: Callable[[int], None], channel: Channel) -> None:
    """Keeps all buffers in its way, and closes what it was handed."""
    client = RawClient.connect_here(path)
    client.hello().close()
    for number in range(HELD):
        opened = client.expect("opened", "open", name=f"kept/{number}")
        keep(opened.descriptors[-1])
        opened.close()
    client.close()
    channel.say("held")
    channel.hear()


def published_until_full(producer: RawClient) -> int:
    """How many more buffers there is room for."""
    for number in range(LIMIT // SIZE):
        lent = producer.ask("create", name=f"more/{number}", nbytes=SIZE)
        if lent.kind != "lent":
            assert lent.kind == "store_full"
            return number
        os.pwrite(lent.descriptors[0], b"x" * SIZE, 0)
        lent.close()
        producer.expect("published", "seal", buffer=lent["buffer"])
    raise AssertionError("the store is never full")


def delete_all(producer: RawClient) -> None:
    for entry in producer.entries(""):
        producer.expect("deleted", "delete", name=entry["name"])


def told(producer: RawClient) -> int:
    """Bytes that `stat` has for what is kept: a file that is still there a moment after it was
    closed is held after all, if that was noticed, and what was not is `held_unseen`."""
    stats = producer.stats()
    return int(stats["held_bytes"] + stats["held_unseen"])


@pytest.mark.parametrize("keep", KEPT)
def test_what_is_kept_unseen_leaves_less_room_and_kills_nobody(
    grouped: Daemon, group: Path, keep: Callable[[int], None], measured: Callable[[str], None]
) -> None:
    with grouped.open(Uid.PRODUCER) as producer:
        room = published_until_full(producer)
        delete_all(producer)
        for number in range(HELD):
            loan = lend(producer, f"kept/{number}", SIZE)
            os.pwrite(loan.writable, b"y" * SIZE, 0)
            loan.close()
            assert loan.seal().kind == "published"
        with worker(partial(hold, grouped.path, keep), Uid.ATTACKER) as attacker:
            attacker.expect("held")
            delete_all(producer)
            kept = HELD * KEPT[keep]
            seen = within(SEEN_SECONDS, lambda: told(producer) > kept * 3 // 4)
            unseen = told(producer)
            beside = published_until_full(producer)
            measured(
                f"{keep.__name__}: room for {room} buffers of 16 MiB, beside {kept >> 20} MiB kept"
                f" for {beside}; told of {unseen >> 20} MiB, oom_kill={kills(group)}"
            )
            assert seen or keep is keep_pages  # which belong to no file any more
            assert beside <= room - kept // SIZE + 1
            delete_all(producer)
        assert within(SEEN_SECONDS, lambda: told(producer) == 0)
        assert published_until_full(producer) >= room - 1
        delete_all(producer)
        assert kills(group) == 0
