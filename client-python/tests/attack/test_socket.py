"""The socket's path: never open to more than it should, never taken from somebody else.

Invariant: from its first moment the socket is at most as wide as it ends up; and a start either
takes a path that nobody uses or leaves what is there as it was.
"""

import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.agent import ATTACK_PROGRAMS
from harness.daemon import Daemon, running, socket_folder
from harness.native import compiled
from harness.raw import RawClient
from harness.uids import GROUP, ROOT, Uid, own_group

pytestmark = pytest.mark.one_version

TOGETHER = 5
"""Daemons that start at the same time."""

PINGS = 1000

Modes = list[tuple[int, int]]


@contextmanager
def watched(paths: list[Path]) -> Iterator[Modes]:
    """At the end the list has every (path's number, mode) that there was meanwhile."""
    found: Modes = []
    command = [str(compiled(ATTACK_PROGRAMS / "modes.c")), *map(str, paths)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "ready\n"
        yield found
        out, _ = watch.communicate(timeout=20)
    for line in out.splitlines():
        number, mode = line.split()
        found.append((int(number), int(mode, 8)))


def start_all(paths: list[Path]) -> None:
    """Starts a daemon under umask 000 at each path, waits for all, and stops them."""
    with ExitStack() as stack:
        daemons = [Daemon(path, umask=0) for path in paths]
        for daemon in daemons:
            stack.callback(daemon.kill)
        for daemon in daemons:
            daemon.wait_until_ready()
        for daemon in daemons:
            daemon.stop()


@pytest.mark.timeout(180)
@pytest.mark.shows(42)
def test_the_socket_is_narrow_from_its_first_moment(rounds: Callable[..., int]) -> None:
    folder = socket_folder()
    for start in range(0, rounds(1000, small=10), TOGETHER):
        paths = [folder / f"{start + number}.sock" for number in range(TOGETHER)]
        with watched(paths) as modes:
            start_all(paths)
        assert {stat.S_IFMT(mode) for _, mode in modes} == {stat.S_IFSOCK}
        for number in range(TOGETHER):
            seen = [stat.S_IMODE(mode) for path, mode in modes if path == number]
            assert set(seen) <= {0o600, 0o660}, [oct(mode) for mode in seen]
            assert seen[-1] == 0o660


@pytest.mark.shows(42)
def test_a_folder_that_the_daemon_makes_is_narrow_too() -> None:
    made = socket_folder() / "made"
    with watched([made]) as modes:
        start_all([made / "sealbuf.sock"])
    seen = [stat.S_IMODE(mode) for _, mode in modes]
    assert set(seen) <= {0o700, 0o750}, [oct(mode) for mode in seen]
    assert seen[-1] == 0o750
    assert made.stat().st_gid == own_group()


@pytest.mark.several_uids
@pytest.mark.shows(42)
def test_the_watch_sees_a_mode_that_is_too_wide() -> None:
    """The negative control: a server that binds first and narrows later is caught."""
    path = socket_folder() / "control.sock"
    with watched([path]) as modes, socket.socket(socket.AF_UNIX) as server:
        before = os.umask(0)
        try:
            server.bind(str(path))
        finally:
            os.umask(before)
        subprocess.run(["sleep", "0.05"], check=True, timeout=10)
        path.chmod(0o660)
    assert stat.S_IMODE(modes[0][1]) == 0o777


@pytest.mark.several_uids
@pytest.mark.shows(42)
def test_a_stranger_cannot_connect(daemon: Daemon) -> None:
    with pytest.raises(PermissionError):
        RawClient.connect(daemon.path, Uid.ATTACKER, groups=())
    daemon.socket.parent.chmod(0o755)
    try:
        with pytest.raises(PermissionError):
            RawClient.connect(daemon.path, Uid.ATTACKER, groups=())
        RawClient.connect(daemon.path, Uid.ATTACKER, groups=(GROUP,)).close()
    finally:
        daemon.socket.parent.chmod(0o750)


@pytest.mark.shows(43)
def test_a_socket_that_a_killed_daemon_left_is_taken_over() -> None:
    with running() as first:
        first.kill()
        assert stat.S_ISSOCK(first.socket.lstat().st_mode)
        second = Daemon(first.socket)
        try:
            second.wait_until_ready()
            second.stop()
        finally:
            second.kill()


@pytest.mark.shows(43)
def test_a_second_daemon_leaves_the_first_alone(daemon: Daemon) -> None:
    inode = daemon.socket.lstat().st_ino
    second = Daemon(daemon.socket)
    with daemon.open() as client:
        for _ in range(PINGS):
            client.expect("pong", "ping")
        assert second.wait_for_exit() == 1
        client.expect("pong", "ping")
    assert daemon.socket.lstat().st_ino == inode
    reason = f"a daemon already serves at this socket: path={daemon.socket}"
    assert second.log.splitlines()[-1] == f"sealbuf: cannot serve: {reason}"


def remains(path: Path) -> object:
    """What must be the same after a refused start; of a link, the link and what it leads to."""
    entry = path.lstat()
    kept: list[object] = [entry.st_ino, entry.st_mode, entry.st_uid, entry.st_mtime_ns]
    if path.is_symlink():
        kept.append(path.readlink())
    if path.exists():
        target = path.stat()
        kept += [target.st_ino, target.st_mode, target.st_mtime_ns]
    if path.is_file():
        kept.append(path.read_bytes())
    return kept


@pytest.mark.shows(43)
def test_what_is_no_socket_is_left_alone(daemon: Daemon) -> None:
    folder = socket_folder()
    (folder / "file").write_text("somebody's notes")
    (folder / "directory").mkdir()
    (folder / "link-to-nothing").symlink_to(folder / "nothing")
    (folder / "link-to-file").symlink_to(folder / "file")
    (folder / "link-to-socket").symlink_to(daemon.socket)
    os.mkfifo(folder / "fifo")
    entries = sorted(folder.iterdir())
    if ROOT:  # the daemon could remove them: they are its own, in its own folder
        for path in entries:
            os.chown(path, Uid.DAEMON, Uid.DAEMON, follow_symlinks=False)
    before = [remains(path) for path in entries]
    refused = [Daemon(path) for path in entries]
    for path, late in zip(entries, refused, strict=True):
        assert late.wait_for_exit() == 1
        reason = f"there is something that is no socket, and it is left alone: path={path}"
        assert late.log.splitlines()[-1] == f"sealbuf: cannot serve: {reason}"
    assert [remains(path) for path in entries] == before
    assert not (folder / "nothing").exists()
