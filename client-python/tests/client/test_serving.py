"""`sealbuf.serve`: a private daemon that is there for the block, and for no longer."""

import os
import signal
import socket as socket_module
import stat
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import sealbuf
from harness.process import status
from harness.public import folder_for
from harness.uids import Uid
from helpers.ends import ended, ends, forked

pytestmark = pytest.mark.usefixtures("serving")

PATIENCE = 30.0


@pytest.fixture
def scripts(serving: None, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001 - goes first
    """A folder of programs, and nothing else on PATH but what a script needs."""
    folder = folder_for(Uid.PRODUCER, "programs")
    monkeypatch.delenv("SEALBUF_LAUNCHER")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(folder: Path, body: str) -> Path:
    path = folder / "sealbuf"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def daemons(socket: str) -> list[int]:
    """The processes that have this socket's path in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if socket.encode() in line.split(b"\0"):
                found.append(int(entry.name))
    return found


def wait_until_gone(socket: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (daemons(socket) or Path(socket).parent.exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert daemons(socket) == []
    assert not Path(socket).parent.exists()


def test_a_daemon_of_its_own_for_the_block() -> None:
    with sealbuf.serve("64MiB") as socket:
        folder = Path(socket).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with sealbuf.connect(socket) as store:
            assert store.stats()["capacity"] == 64 << 20
            view = store.put(b"hello", "greeting").memoryview()
        assert len(daemons(socket)) == 2, "the daemon and its guard"
    assert daemons(socket) == []
    assert not folder.exists()
    assert view.tobytes() == b"hello"


def test_it_is_no_part_of_the_service_that_its_program_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"sealbuf-test-{os.getpid()}"
    with socket_module.socket(socket_module.AF_UNIX, socket_module.SOCK_DGRAM) as manager:
        manager.bind(f"\0{address}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{address}")
        monkeypatch.setenv("SEALBUF_GROUP", "0")
        monkeypatch.setenv("SEALBUF_CONFIG", "/nowhere/sealbuf.yaml")
        with sealbuf.serve("64MiB") as socket, sealbuf.connect(socket) as store:
            store.ping()
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)


def test_two_do_not_see_each_other() -> None:
    with sealbuf.serve(64 << 20) as first, sealbuf.serve(64 << 20) as second:
        with sealbuf.connect(first) as store:
            store.put(b"hello", "greeting")
        with sealbuf.connect(second) as store:
            assert "greeting" not in store


def test_it_ends_when_the_block_raises() -> None:
    with pytest.raises(ZeroDivisionError), sealbuf.serve("64MiB") as socket:
        raise ZeroDivisionError
    assert daemons(socket) == []
    assert not Path(socket).parent.exists()


def test_a_daemon_that_died_is_no_obstacle_at_the_end() -> None:
    with sealbuf.serve("64MiB") as socket:
        guard, daemon = sorted(
            daemons(socket), key=lambda pid: int(status(pid, "PPid")) != os.getpid()
        )
        os.kill(daemon, signal.SIGKILL)
    wait_until_gone(socket)
    assert not Path(f"/proc/{guard}").exists()


@pytest.mark.parametrize("how", ["alone", "with a child that lives on"])
def test_it_ends_with_a_program_that_is_killed(how: str) -> None:
    """Also when the thread that started it has ended, and a forked child has its descriptors."""
    reading, writing = os.pipe()
    served: list[AbstractContextManager[str]] = []

    def serve() -> None:
        served.append(sealbuf.serve("64MiB"))
        os.write(writing, served[0].__enter__().encode() + b"\n")

    def program() -> None:
        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()
        child = 0 if how == "alone" else forked(lambda: time.sleep(PATIENCE))
        os.write(writing, f"{child}\n".encode())
        signal.pause()

    pid = forked(program)
    with os.fdopen(reading) as told:
        socket, child = told.readline().strip(), int(told.readline())
        os.close(writing)
        assert len(daemons(socket)) == 2
        os.kill(pid, signal.SIGKILL)
        ended(pid)
        wait_until_gone(socket)
        if child:
            os.kill(child, signal.SIGKILL)


def test_it_ends_although_its_guard_is_killed() -> None:
    with sealbuf.serve("64MiB") as socket:
        (guard,) = [pid for pid in daemons(socket) if int(status(pid, "PPid")) == os.getpid()]
        os.kill(guard, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while len(daemons(socket)) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
    wait_until_gone(socket)


def test_a_forked_child_that_leaves_the_block_ends_nothing() -> None:
    with sealbuf.serve("64MiB") as socket:
        second = sealbuf.serve("64MiB")
        inner = second.__enter__()
        assert ends(lambda: second.__exit__(None, None, None)) == 0
        with sealbuf.connect(inner) as store:
            store.ping()
        second.__exit__(None, None, None)
        with sealbuf.connect(socket) as store:
            store.ping()


def test_no_launcher_says_what_to_do(scripts: Path) -> None:
    with pytest.raises(sealbuf.NoDaemon) as caught, sealbuf.serve():
        pass
    assert caught.value.message == (
        "no launcher of the daemon: pip install 'sealbuf[server]', or set $SEALBUF_LAUNCHER to "
        "server/target/sealbuf/bin/sealbuf, or put sealbuf on PATH: "
        f"PATH={scripts}:/usr/bin:/bin"
    )


def test_a_launcher_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALBUF_LAUNCHER", "/nowhere/sealbuf")
    with pytest.raises(sealbuf.NoDaemon) as caught, sealbuf.serve():
        pass
    assert caught.value.message == (
        "$SEALBUF_LAUNCHER is not a program: SEALBUF_LAUNCHER=/nowhere/sealbuf"
    )


def test_what_a_daemon_said_that_did_not_start_is_told(scripts: Path) -> None:
    path = program(scripts, 'echo "sealbuf: no, because of $4" >&2; exit 3')
    with pytest.raises(sealbuf.NoDaemon) as caught, sealbuf.serve("7MiB"):
        pass
    assert caught.value.message == (
        f"the daemon did not start: status=3 launcher={path} "
        "stderr=sealbuf: no, because of --capacity"
    )


def test_patience_has_an_end(scripts: Path) -> None:
    path = program(scripts, 'echo "waiting" >&2; exec sleep 600')
    with pytest.raises(sealbuf.Timeout) as caught, sealbuf.serve(timeout=1.0):
        pass
    assert caught.value.message == (
        f"the daemon did not answer in time: timeout=1.0 launcher={path} stderr=waiting"
    )


@pytest.mark.one_version
def test_one_that_ignores_sigterm_is_killed(scripts: Path) -> None:
    marker = scripts / "pid"
    program(scripts, f"trap '' TERM; echo $$ >{marker}; while :; do sleep 0.1; done")
    with pytest.raises(sealbuf.Timeout), sealbuf.serve(timeout=1.0):
        pass
    assert not Path(f"/proc/{marker.read_text().strip()}").exists()
