"""The error table of PROTOCOL.md: each row is raised here for real, and its whole message read."""

import os
import re
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import sealbuf
from harness.public import folder_for
from harness.raw import prefix
from harness.uids import Uid
from helpers.ends import bare_copy
from helpers.tables import sections
from sealbuf._memory import HUGE_PAGE

ROWS = {row[0]: row for row in sections("PROTOCOL.md")["Errors"]}
"""By code."""
HEAP = "-Xmx16m"
"""Room for fewer sessions than a process may have descriptors."""


@contextmanager
def raising(code: str, message: str) -> Iterator[None]:
    """The block raises the class of that row; the pattern matches its whole message."""
    kind = getattr(sealbuf, ROWS[code][2])
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert re.fullmatch(message, caught.value.message), caught.value.message
    assert str(caught.value) == f"{caught.value.message}; {ROWS[code][-1].replace('`', '')}"


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of a socket whose listener says the parameter to the first who connects."""
    path = str(folder_for(Uid.PRODUCER, "listener") / "sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        Path(path).chmod(0o666)
        listener.listen()
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                connected, _ = listener.accept()
                connected.sendall(request.param)
                signal.pause()
            os._exit(0)
    yield path
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_every_row_of_the_table_is_raised_below() -> None:
    start = "test_raises_"
    raised = {name.removeprefix(start) for name in globals() if name.startswith(start)}
    assert raised == set(ROWS)


def test_raises_not_found(path: str) -> None:
    with sealbuf.connect(path) as store, raising("not_found", "no such buffer: name=absent"):
        store.get("absent")


def test_raises_already_exists(path: str) -> None:
    with sealbuf.connect(path) as store:
        kept = store.put(b"")
        with raising("already_exists", f"a buffer has this name already: name={kept.name}"):
            store.put(b"", kept.name)


def test_raises_store_full(path: str) -> None:
    why = r"no room below the capacity: requested=\d+ used=\d+ capacity=\d+"
    with sealbuf.connect(path) as store, raising("store_full", why):
        store.create(nbytes=1 << 50)


def test_raises_quota_exceeded(path: str) -> None:
    with sealbuf.connect(path) as store:
        writers = [store.create(nbytes=1) for _ in range(1024)]
        with raising(
            "quota_exceeded",
            "too many unfinished buffers of one session: unfinished=1024 max=1024",
        ):
            store.create(nbytes=1)
        for writer in writers:
            writer.abort()


def test_raises_still_mapped(path: str) -> None:
    with (
        sealbuf.connect(path) as store,
        store.create(nbytes=1) as writer,
        bare_copy(),
        raising(
            "still_mapped",
            r"a seal needs every writable mapping and forked copy gone: "
            r"buffer=\d+ waited_ms=\d+",
        ),
    ):
        writer.seal()


@pytest.mark.several_uids
def test_raises_not_permitted(path: str, foreign: str) -> None:
    with (
        sealbuf.connect(path) as store,
        raising(
            "not_permitted",
            f"a buffer is deleted by the uid that published it: name={foreign} owner={Uid.READER} "
            f"uid={Uid.PRODUCER}",
        ),
    ):
        store.delete(foreign)


def test_raises_invalid_name(path: str) -> None:
    why = "name too long: bytes=256 max=255"
    with sealbuf.connect(path) as store, raising("invalid_name", why):
        store.put(b"", "n" * 256)


def test_raises_invalid_request(path: str) -> None:
    why = f"size out of bounds: nbytes=-1 min=0 max={2**53 - 1}"
    with sealbuf.connect(path) as store, raising("invalid_request", why):
        store.create(nbytes=-1)


@pytest.mark.parametrize("said", [prefix(0)], indirect=True)
def test_raises_protocol(said: str) -> None:
    with raising("protocol", "head length out of bounds: head_bytes=0 min=1 max=65536"):
        sealbuf.connect(said)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400"], indirect=True)
def test_raises_wrong_version(said: str) -> None:
    with raising(
        "wrong_version", "not a frame of protocol version 1: byte=0 value=0x48 expected=0x53"
    ):
        sealbuf.connect(said)


@pytest.mark.usefixtures("serving")
def test_raises_try_again() -> None:
    os.environ["SEALBUF_JAVA_OPTS"] = HEAP
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    stores = []
    with sealbuf.serve("64MiB") as path:
        with raising(
            "try_again",
            rf"too many sessions of one uid: uid={os.getuid()} sessions=\d+ heap=\d+ max=\d+",
        ):
            for _ in range(2000):
                stores.append(sealbuf.connect(path))
        for store in stores:
            store.close()


def test_raises_too_many_mappings(path: str) -> None:
    size = 2 << 20
    with sealbuf.connect(path) as store:
        store.ping()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + size // 2, hard))
        why = "the kernel refuses another mapping: bytes={} error=Cannot allocate memory"
        with raising("too_many_mappings", why.format(size + HUGE_PAGE)):
            store.create(nbytes=size)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_raises_timeout(path: str) -> None:
    why = r"the wait for a name ended without it: name=absent waited_ms=\d+"
    with sealbuf.connect(path) as store, raising("timeout", why):
        store.get("absent", timeout=0.01)


@pytest.mark.usefixtures("serving")
def test_raises_disconnected() -> None:
    with sealbuf.serve("64MiB") as path:
        store = sealbuf.connect(path)
        writer = store.create("left", nbytes=1)
    with raising("disconnected", "the daemon stops"):
        writer.seal()
    writer.abort()
    store.close()


def test_raises_no_daemon() -> None:
    path = "/nowhere/sealbuf.sock"
    with raising(
        "no_daemon",
        f"nobody listens at the socket: socket={path} error=No such file or directory",
    ):
        sealbuf.connect(path)


def test_raises_closed(path: str) -> None:
    with sealbuf.connect(path) as store:
        pass
    with raising("closed", f"store is closed: socket={path}"):
        store.get("absent")
