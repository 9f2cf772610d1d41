"""sd_notify(3): what the daemon tells systemd, here a test that listens in its place."""

import signal
import socket
import time
from collections.abc import Iterator

import pytest

from harness.daemon import Daemon, running, socket_folder
from harness.public import folder_for
from harness.raw import PATIENCE
from harness.uids import Uid

pytestmark = pytest.mark.one_version

WATCHDOG_SECONDS = 0.4


class Listener:
    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def next(self) -> dict[str, str]:
        text = self.socket.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def next_but_alive(self) -> dict[str, str]:
        while (state := self.next()) == {"WATCHDOG": "1"}:
            pass
        return state


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    folder = folder_for(Uid.DAEMON, "notify")
    name = f"{folder}/notify.sock"
    listener = Listener(name if request.param == "path" else f"@{name}")
    if request.param == "path":
        (folder / "notify.sock").chmod(0o666)
    with listener.socket:
        yield listener


def environment(listener: Listener, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": listener.address, **more}


def watched(listener: Listener, **more: str) -> dict[str, str]:
    return environment(listener, WATCHDOG_USEC=str(int(WATCHDOG_SECONDS * 1e6)), **more)


def test_it_is_ready_when_clients_can_connect_and_says_when_it_stops(listener: Listener) -> None:
    daemon = Daemon(socket_folder() / "sealbuf.sock", environment=environment(listener))
    try:
        assert listener.next() == {"READY": "1", "STATUS": f"serving on {daemon.path}"}
        daemon.open().close()
        daemon.stop()
        assert listener.next() == {"STOPPING": "1"}
    finally:
        daemon.kill()


def test_it_shows_life_while_its_loop_turns_and_not_when_it_is_stopped(listener: Listener) -> None:
    with running(environment=watched(listener)) as daemon:
        assert "READY" in listener.next()
        for _ in range(5):
            assert listener.next() == {"WATCHDOG": "1"}
        daemon.process.send_signal(signal.SIGSTOP)
        drain(listener)
        with pytest.raises(TimeoutError):
            listener.next()
        daemon.process.send_signal(signal.SIGCONT)
        listener.socket.settimeout(PATIENCE)
        assert listener.next() == {"WATCHDOG": "1"}


def drain(listener: Listener) -> None:
    """Takes what was sent before the stop; from then on nothing may come for a while."""
    time.sleep(WATCHDOG_SECONDS)
    listener.socket.settimeout(0)
    try:
        while True:
            listener.next()
    except BlockingIOError:
        listener.socket.settimeout(3 * WATCHDOG_SECONDS)


def test_a_watchdog_for_another_process_is_not_fed(listener: Listener) -> None:
    with running(environment=watched(listener, WATCHDOG_PID="1")) as daemon:
        assert "READY" in listener.next()
        listener.socket.settimeout(3 * WATCHDOG_SECONDS)
        with pytest.raises(TimeoutError):
            listener.next()
        daemon.open().close()


def test_a_reload_is_announced_and_ends_with_being_ready(listener: Listener) -> None:
    with running(environment=watched(listener)) as daemon:
        assert "READY" in listener.next()
        before = time.monotonic()
        daemon.process.send_signal(signal.SIGHUP)
        reloading = listener.next_but_alive()
        assert reloading["RELOADING"] == "1"
        assert before <= int(reloading["MONOTONIC_USEC"]) / 1e6 <= time.monotonic()
        assert listener.next_but_alive()["READY"] == "1"


@pytest.mark.parametrize("address", ["/nowhere/notify.sock", "@nobody-listens", "/" + "x" * 200])
def test_a_manager_that_cannot_be_told_is_named_once_and_does_no_harm(address: str) -> None:
    with running(environment={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "100000"}) as daemon:
        daemon.open().close()
        time.sleep(0.3)
        lines = [line for line in daemon.log.splitlines() if "service manager" in line]
        assert len(lines) == 1
        assert "the service manager cannot be told anything: connect" in lines[0]
