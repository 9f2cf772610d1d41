"""A published buffer never changes, whoever tries and with whatever system call.

Invariant: from the moment a name leads to a segment, not one of its bytes, nor its size, differs
for anybody. Every way of `c/matrix.c` is tried on a dedicated segment, on a slab and on the
catalog, by processes of the daemon's own uid, of the producer's and of a stranger's, on the
descriptors that the daemon itself handed out. The same process tries the same on an unsealed
memfd beside it, where it must succeed.
"""

import ctypes
import faulthandler
import fcntl
import hashlib
import mmap
import os
import resource
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harness.agent import ATTACK_PROGRAMS
from harness.daemon import Daemon, running
from harness.native import compiled
from harness.producer import PUBLISHED_SEALS, SHARED_SEALS, published, seals
from harness.raw import RawClient
from harness.uids import Uid, as_uid, fork_as

pytestmark = pytest.mark.one_version

SIZE = 64 << 10
MODE = 0o600
KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])

READ_ONLY = {
    "write": "EBADF",
    "pwrite": "EBADF",
    "map_writable": "EACCES",
    "mprotect": "EACCES",
    "store": "SIGSEGV",
    "shrink": "EINVAL",
    "grow": "EINVAL",
    "punch_hole": "EBADF",
    "madvise_remove": "EACCES",
    "add_seal": "EPERM",
    "fchmod": "EPERM",
    "reopen": "EACCES",
    "reopen_truncate": "EACCES",
    "uffd_copy": "EPERM",
    "process_vm_writev": "EFAULT",
    "proc_self_mem": "EIO",
    "ptrace": "EIO",
    "splice": "EBADF",
    "copy_file_range": "EBADF",
    "sendfile": "EBADF",
    "read_into": "EFAULT",
    "io_uring_write": "EBADF",
    "io_uring_fixed": "EFAULT",
    "aio_write": "EBADF",
}
"""What stops a process that got a descriptor to read and cannot open the segment anew."""

KEPT_WRITABLE = READ_ONLY | {
    "write": "EPERM",
    "pwrite": "EPERM",
    "map_writable": "EPERM",
    # Since 6.7 a sealed file can be mapped to read from a writable descriptor.
    "mprotect": "EACCES" if KERNEL >= (6, 7) else "EPERM",
    "shrink": "EPERM",
    "grow": "EPERM",
    "punch_hole": "EPERM",
    "splice": "EPERM",
    "copy_file_range": "EPERM",
    "sendfile": "EPERM",
    "io_uring_write": "EPERM",
    "aio_write": "EPERM",
}
"""What stops the producer, which kept a descriptor opened for writing before the seal."""

OWNER = KEPT_WRITABLE | {"reopen": "EPERM", "reopen_truncate": "EPERM"}
"""What stops the daemon's own uid, which may open the segment for writing again."""

several_uids = pytest.mark.several_uids
COLUMNS = [
    pytest.param("dedicated", Uid.DAEMON, OWNER, id="dedicated-same-uid"),
    pytest.param(
        "dedicated", Uid.PRODUCER, KEPT_WRITABLE, id="dedicated-producer", marks=several_uids
    ),
    pytest.param(
        "dedicated", Uid.ATTACKER, READ_ONLY, id="dedicated-other-uid", marks=several_uids
    ),
    pytest.param("slab", Uid.DAEMON, OWNER, id="slab-same-uid"),
    pytest.param("slab", Uid.ATTACKER, READ_ONLY, id="slab-other-uid", marks=several_uids),
    pytest.param("catalog", Uid.DAEMON, OWNER, id="catalog-same-uid"),
    pytest.param("catalog", Uid.ATTACKER, READ_ONLY, id="catalog-other-uid", marks=several_uids),
]

Verdicts = dict[str, tuple[str, int]]


class Victims:
    """One published buffer and the descriptors that the daemon gave to a reader."""

    def __init__(self, daemon: Daemon, writable: int) -> None:
        self.writable = writable
        with RawClient.connect(daemon.path, Uid.READER) as reader:
            welcome = reader.hello()
            opened = reader.expect("opened", "open", name="victim")
        slab, dedicated = opened.descriptors
        self.segments = {"dedicated": dedicated, "slab": slab, "catalog": welcome.descriptors[0]}

    def sha256(self, kind: str) -> str:
        return hashlib.sha256(os.pread(self.segments[kind], 1 << 22, 0)).hexdigest()


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    content = bytes(range(256)) * (SIZE // 256)
    with (
        running() as daemon,
        daemon.open(Uid.PRODUCER) as producer,
        published(producer, "victim", content) as loan,
    ):
        yield Victims(daemon, loan.writable)


def attacked(victims: Victims, kind: str, uid: Uid) -> tuple[Verdicts, Verdicts]:
    """What became of each attack, on the victim and on its control: the errno and what changed."""
    descriptors = [victims.segments[kind]]
    if uid == Uid.PRODUCER:
        descriptors.append(victims.writable)
    assert stat.S_IMODE(os.fstat(descriptors[0]).st_mode) == MODE
    program = str(compiled(ATTACK_PROGRAMS / "matrix.c"))
    readable, writable = descriptors[0], descriptors[-1] if len(descriptors) == 2 else -1
    done = subprocess.run(
        as_uid(uid, [program, str(readable), str(writable), str(SIZE)]),
        pass_fds=descriptors, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    os.fchmod(descriptors[0], MODE)  # the owner widened it, which made nothing writable
    on_victim, on_control = {}, {}
    for line in done.stdout.splitlines():
        name, *fields = line.split()
        error, changed, control_error, control_changed = (f.partition("=")[2] for f in fields)
        on_victim[name] = (error, int(changed))
        on_control[name] = (control_error, int(control_changed))
    return on_victim, on_control


@pytest.mark.parametrize(("kind", "uid", "refusals"), COLUMNS)
@pytest.mark.shows(1, 2)
def test_every_attack_is_refused_and_would_succeed_on_unsealed_memory(
    victims: Victims,
    kind: str,
    uid: Uid,
    refusals: dict[str, str],
    *,
    not_run: Callable[[str], None],
    measured: Callable[[str], None],
) -> None:
    before = victims.sha256(kind)
    on_victim, on_control = attacked(victims, kind, uid)
    absent = {name for name, (error, _) in on_control.items() if error == "not_run"}
    for name in sorted(absent):
        not_run(f"attack {name} on {kind}: the host has no such system call for {uid.name}")
    changed = sum(changed for _, changed in on_control.values())
    measured(
        f"{kind} by {uid.name}: {len(refusals) - len(absent)} attacks, {changed} change a control"
    )

    assert on_victim == {
        name: ("not_run" if name in absent else error, 0) for name, error in refusals.items()
    }
    assert {name: verdict for name, verdict in on_control.items() if name not in absent} == {
        name: ("0", 0 if name == "add_seal" else 1) for name in refusals if name not in absent
    }
    assert changed == len(refusals) - 1 - len(absent) >= 8  # a seal is added without a change
    assert victims.sha256(kind) == before


def has_noexec_seal() -> bool:
    try:
        os.close(os.memfd_create("probe", os.MFD_CLOEXEC | 0x8))
    except OSError:
        return False
    return True


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(7)
def test_every_descriptor_for_a_reader_is_read_only_and_carries_its_seals(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    extra = 0x20 if has_noexec_seal() else 0
    dedicated, shared = PUBLISHED_SEALS | extra, SHARED_SEALS | extra

    def check(descriptors: list[int], *expected: int) -> int:
        assert [seals(fd) for fd in descriptors] == list(expected)
        for fd in descriptors:
            assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            os.close(fd)
        return len(descriptors)

    with daemon.open(Uid.PRODUCER) as producer, published(producer, "checked", b"x" * SIZE):
        seen, target = 0, rounds(100_000)
        while seen < target:
            with RawClient.connect(daemon.path, Uid.READER) as reader:
                welcome = reader.hello()
                seen += check(welcome.descriptors, shared)
                for _ in range(250):
                    opened = reader.expect("opened", "open", name="checked")
                    seen += check(opened.descriptors, shared, dedicated)
                    known = reader.expect("opened", "open", name="checked", slab=opened["slab"])
                    seen += check(known.descriptors, dedicated)
                    mapped = reader.expect("mapped", "map", segment=opened["slab"])
                    seen += check(mapped.descriptors, shared)
                    mapped = reader.expect("mapped", "map", segment=welcome["catalog"])
                    seen += check(mapped.descriptors, shared)


def store_through_address(fd: int) -> int:
    """What a reader does that takes the address of a view and writes there."""
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, ctypes.c_size_t(SIZE), mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    if ctypes.string_at(address, SIZE) != os.pread(fd, SIZE, 0):
        return 1
    ctypes.memset(address, 0xEE, 1)
    return 0


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(8)
def test_a_store_through_the_address_ends_that_reader_alone(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    content = os.urandom(SIZE)
    with daemon.open(Uid.PRODUCER) as producer, published(producer, "deadly", content):
        for _ in range(rounds(100)):
            with daemon.open(Uid.READER) as reader:
                opened = reader.expect("opened", "open", name="deadly")
                _, dedicated = opened.descriptors
                pid = fork_as(Uid.READER, partial(store_through_address, dedicated))
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                assert status == -signal.SIGSEGV
                assert os.pread(dedicated, SIZE, 0) == content
                opened.close()


@pytest.mark.shows(8)
def test_the_same_store_succeeds_on_memory_that_is_not_sealed() -> None:
    fd = os.memfd_create("control")
    os.truncate(fd, SIZE)

    def store() -> int:
        with mmap.mmap(fd, SIZE) as mapped:
            ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(mapped)), 0xEE, 1)
        return 0

    os.waitpid(fork_as(Uid.READER, store), 0)
    assert os.pread(fd, 1, 0) == b"\xee"
    os.close(fd)
