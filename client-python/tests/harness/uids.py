"""Who runs what: four uids without capabilities, and proof of it before anything else happens.

`as_uid` wraps a command in setpriv(1); the shell behind it refuses to go on as root or with an
effective capability. `fork_as` does the same to a forked copy of this process, for steps that are
a few system calls long. A connection keeps the credentials of the process that made it, so one copy
for each identity connects and passes its connections back. It lives as long as this process,
because the daemon ends a session with the process that connected.
"""

import ctypes
import gc
import os
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum
from functools import cache
from pathlib import Path

GROUP = 20000

ROOT = os.geteuid() == 0
"""Only root can start processes of other uids. It never runs what is tested."""

PR_SET_NO_NEW_PRIVS = 38
PR_SET_DUMPABLE = 4

_PROVE = (
    '[ "$(id -u)" -ne 0 ] && grep -q "^CapEff:.0000000000000000$" /proc/self/status'
    ' || { echo "refusing to run with rights: $*" >&2; exit 97; }; exec "$@"'
)


class Uid(IntEnum):
    DAEMON = 20001
    PRODUCER = 20002
    READER = 20003
    ATTACKER = 20004


def own_group() -> int:
    """The group whose members may connect: the common one, or the user's own without root."""
    return GROUP if ROOT else os.getgid()


def as_uid(uid: int, command: Sequence[str], *, groups: Sequence[int] = (GROUP,)) -> list[str]:
    """The command that runs `command` as `uid`, without capabilities; unchanged without root.

    It is killed when this process ends, however it ends: nothing outlives a run that was aborted.
    """
    if not ROOT:
        return list(command)
    supplementary = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    return [
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        supplementary,
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
        "--pdeathsig=KILL",
        "sh",
        "-c",
        _PROVE,
        "prove",
        *command,
    ]


def drop(uid: int, groups: Sequence[int] = (GROUP,), primary: int | None = None) -> None:
    """Turns this process, a forked copy, into `uid` for good; its primary group is its own."""
    if not ROOT:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    os.setgroups(list(groups))
    gid = uid if primary is None else primary
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # setresuid took it away; an exec would give it back
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next(line for line in lines if line.startswith("CapEff:"))
    if os.geteuid() == 0 or int(effective.split()[1], 16) != 0:
        raise AssertionError(f"refusing to run with rights: uid={os.geteuid()} {effective}")


def fork_as(
    uid: int,
    work: Callable[[], int],
    *,
    groups: Sequence[int] = (GROUP,),
    primary: int | None = None,
) -> int:
    """Runs `work` in a forked copy as `uid`; its pid. The copy exits with what `work` returns."""
    sys.stdout.flush()
    sys.stderr.flush()
    gc.collect()  # a copy of garbage would be taken for its own mappings and threads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the copy touches no thread's state
        pid = os.fork()
    if pid == 0:
        status = 98
        try:
            drop(uid, groups, primary)
            status = work()
        finally:
            with suppress(BaseException):  # nothing may lead the copy out of here
                if (error := sys.exception()) is not None:
                    traceback.print_exception(error)
                sys.stderr.flush()
            os._exit(status)
    return pid


def connect_as(
    path: str, uid: int, *, groups: Sequence[int] = (GROUP,), primary: int | None = None
) -> socket.socket:
    """A stream connection to `path` with the credentials of `uid`; OSError as that uid saw it."""
    if not ROOT:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            plain.connect(path)
        except OSError:
            plain.close()
            raise
        return plain
    connector = _connector(uid, tuple(groups), primary)
    connector.sendall(path.encode())
    data, descriptors, _, _ = socket.recv_fds(connector, 4, 1)
    if not descriptors:
        raise AssertionError(f"forked copy said nothing: uid={uid} path={path}")
    connection = socket.socket(fileno=descriptors[0])
    code = int.from_bytes(data, "little")
    if code != 0:
        connection.close()
        raise OSError(code, os.strerror(code), path)
    return connection


@cache
def _connector(uid: int, groups: tuple[int, ...], primary: int | None) -> socket.socket:
    """A socket to a copy that connects to each path it is sent, until this process ends."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def work() -> int:
        channel = os.dup2(there.fileno(), 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        _connect_as_told(socket.socket(fileno=channel))
        return 0

    fork_as(uid, work, groups=groups, primary=primary)
    there.close()
    return here


def _connect_as_told(channel: socket.socket) -> None:
    while path := channel.recv(4096).decode():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            code = connection.connect_ex(path)
            socket.send_fds(channel, [code.to_bytes(4, "little")], [connection.fileno()])
