"""Who asks is what the kernel said at connect, and the daemon's own memory is nobody's business.

Invariant: a right is decided by the credentials of the process that connected, before a byte of it
is looked at and whoever holds the connection later; and no process of any uid but root's gets at
the daemon's memory or descriptors, which is where the only writable mappings of slabs are.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.agent import ATTACK_PROGRAMS
from harness.daemon import Daemon
from harness.native import compiled
from harness.raw import RawClient, frame
from harness.uids import GROUP, Uid, as_uid, fork_as

pytestmark = pytest.mark.one_version

OVERFLOW_UID = 65534
FIND_JDK = Path(__file__).parents[3] / "scripts" / "find-jdk"


@pytest.fixture
def open_door(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon with its socket open to everybody, so that only the daemon keeps strangers out."""
    daemon.socket.parent.chmod(0o755)
    daemon.socket.chmod(0o666)
    yield daemon
    daemon.socket.chmod(0o660)
    daemon.socket.parent.chmod(0o750)


def refusal(client: RawClient, first: bytes) -> list[str]:
    """What a peer hears that sends its first bytes at once."""
    with client:
        with suppress(ConnectionError):  # already closed
            client.send(first)
        return [reply.kind for reply in client.read_to_end()]


HELLO = frame({"op": "hello", "seq": 1, "namespace": "default", "client": "stranger/1"})


@pytest.mark.several_uids
@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("first", [HELLO, b"GET / HTTP/1.1\r\n\r\n"], ids=["hello", "garbage"])
@pytest.mark.shows(45)
def test_a_uid_outside_the_group_is_refused_before_its_bytes_are_read(
    open_door: Daemon, first: bytes
) -> None:
    stranger = RawClient.connect(open_door.path, Uid.ATTACKER, groups=())
    assert refusal(stranger, first) == ["not_permitted"]


@pytest.mark.several_uids
@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(45)
def test_neither_root_nor_the_overflow_uid_is_served(open_door: Daemon) -> None:
    overflow = RawClient.connect(open_door.path, OVERFLOW_UID, groups=(GROUP,))
    assert refusal(overflow, HELLO) == ["not_permitted"]
    assert refusal(connected_as_root(open_door.path), HELLO) == ["not_permitted"]


def connected_as_root(path: str) -> RawClient:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    return RawClient(connection)


@pytest.mark.several_uids
@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    ("uid", "groups", "primary"),
    [(Uid.DAEMON, (), None), (Uid.READER, (GROUP,), None), (Uid.READER, (), GROUP)],
    ids=["the-daemons-uid", "supplementary-group", "primary-group"],
)
@pytest.mark.shows(45)
def test_members_and_the_daemons_uid_are_served(
    open_door: Daemon, uid: int, groups: tuple[int, ...], primary: int | None
) -> None:
    with RawClient.connect(open_door.path, uid, groups=groups, primary=primary) as client:
        welcome = client.hello()
        welcome.close()
        assert welcome["uid"] == uid


@pytest.mark.several_uids
@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(45)
def test_a_passed_connection_keeps_the_rights_of_who_connected(daemon: Daemon) -> None:
    with daemon.open(Uid.PRODUCER) as client:

        def publish() -> int:
            client.expect("published", "put", b"x", name="passed")
            return 0

        pid = fork_as(Uid.ATTACKER, publish, groups=())
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        client.next_seq()  # the copy used one
        assert [entry["owner"] for entry in client.entries("passed")] == [Uid.PRODUCER]
        client.expect("deleted", "delete", name="passed")


@pytest.mark.several_uids
@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(45)
def test_only_the_publisher_and_the_daemons_uid_may_delete_or_abort(daemon: Daemon) -> None:
    with (
        daemon.open(Uid.PRODUCER) as producer,
        daemon.open(Uid.READER) as other,
        daemon.open(Uid.DAEMON) as owner,
    ):
        for allowed in (producer, owner):
            producer.expect("published", "put", b"x", name="mine")
            other.expect("not_permitted", "delete", name="mine")
            allowed.expect("deleted", "delete", name="mine")
            lent = producer.expect("lent", "create", name="unfinished", nbytes=1)
            lent.close()
            other.expect("not_permitted", "abort", buffer=lent["buffer"])
            other.expect("not_permitted", "seal", buffer=lent["buffer"])
            allowed.expect("aborted", "abort", buffer=lent["buffer"])


KEPT_OUT = {
    "proc_mem": "EACCES",
    "proc_maps": "EACCES",
    "proc_environ": "EACCES",
    "proc_fd_list": "EACCES",
    "proc_fd": "EACCES",
    "proc_root": "EACCES",
    "ptrace_attach": "EPERM",
    "ptrace_seize": "EPERM",
    "pidfd_getfd": "EPERM",
    "process_vm_readv": "EPERM",
    "process_vm_writev": "EPERM",
}


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(46)
def test_no_way_leads_into_the_daemon_for_its_own_uid(daemon: Daemon) -> None:
    program = str(compiled(ATTACK_PROGRAMS / "intrude.c"))
    done = subprocess.run(
        as_uid(Uid.DAEMON, [program, str(daemon.pid)]),
        capture_output=True, text=True, check=True, timeout=20,
    )  # fmt: skip
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {way: victim.partition("=")[2] for way, victim, _ in lines} == KEPT_OUT
    assert {way: control.partition("=")[2] for way, _, control in lines} == dict.fromkeys(
        KEPT_OUT, "0"
    )


CONTROL_SECONDS = 20


def jcmd(jdk: str, pid: int) -> int:
    """Exit status of asking a JVM for its version by the attach mechanism, as the daemon's uid."""
    patience = "-J-Dsun.tools.attach.attachTimeout=2000"  # milliseconds; 10 s if not said
    command = as_uid(Uid.DAEMON, [f"{jdk}/bin/jcmd", patience, str(pid), "VM.version"])
    return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.shows(46)
def test_jcmd_cannot_attach_to_the_daemon(daemon: Daemon) -> None:
    jdk = subprocess.run(
        [str(FIND_JDK)], capture_output=True, text=True, check=True, timeout=20
    ).stdout.strip()
    # The control: a JVM that does nothing, in whose place any other would do.
    command = as_uid(Uid.DAEMON, [f"{jdk}/bin/rmiregistry", "0"])
    with subprocess.Popen(command) as control:
        try:
            deadline = time.monotonic() + CONTROL_SECONDS
            while jcmd(jdk, control.pid) != 0:
                assert time.monotonic() < deadline, "jcmd cannot attach to any JVM here"
        finally:
            control.kill()
    assert jcmd(jdk, daemon.pid) != 0
