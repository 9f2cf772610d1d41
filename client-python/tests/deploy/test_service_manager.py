"""What the daemon tells systemd, and that a daemon that nobody listens to serves all the same.

Invariant: READY means that a client can connect; WATCHDOG comes from the event loop, so it ends
with it; nothing about NOTIFY_SOCKET keeps the daemon from serving.
"""

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from harness.daemon import Daemon, socket_folder
from harness.frozen import frozen, thread_named
from harness.manager import ServiceManager, listening
from harness.uids import Uid

pytestmark = [pytest.mark.daemon, pytest.mark.one_version, pytest.mark.timeout(180)]

WATCHDOG_SECONDS = 0.2
WATCHDOG_USEC = "200000"
ALIVE = {"WATCHDOG": "1"}
STOPPING = {"STOPPING": "1"}

Start = Callable[..., AbstractContextManager[Daemon]]


def watched(manager: ServiceManager, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": WATCHDOG_USEC, **more}


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_ready_comes_when_a_client_can_connect_and_stopping_at_the_end(abstract: bool) -> None:
    with listening(abstract=abstract) as manager:
        environment = {"NOTIFY_SOCKET": manager.address}
        daemon = Daemon(socket_folder() / "sealbuf.sock", environment=environment)
        try:
            ready = manager.next()
            daemon.open(Uid.READER).close()
            assert ready == {"READY": "1", "STATUS": f"serving on {daemon.path}"}
            daemon.stop()
        finally:
            daemon.kill()
        assert manager.waiting() == [STOPPING]


def test_a_watched_daemon_reports_again_and_again(fresh_daemon: Start) -> None:
    with listening() as manager, fresh_daemon(environment=watched(manager)):
        messages = [manager.next() for _ in range(6)]
        assert messages.count(ALIVE) == 5
        assert sum("READY" in message for message in messages) == 1


def test_a_reload_is_announced_and_ends_with_being_ready(fresh_daemon: Start) -> None:
    with listening() as manager, fresh_daemon(environment=watched(manager)) as daemon:
        while "READY" not in manager.next():
            pass
        before = time.monotonic()
        daemon.process.send_signal(signal.SIGHUP)
        while (reloading := manager.next()) == ALIVE:
            pass
        assert reloading["RELOADING"] == "1"
        assert before <= int(reloading["MONOTONIC_USEC"]) / 1e6 <= time.monotonic()
        while (ready := manager.next()) == ALIVE:
            pass
        assert ready == {"READY": "1", "STATUS": f"serving on {daemon.path}"}


@pytest.mark.several_uids
def test_a_hung_event_loop_ends_the_reports(fresh_daemon: Start) -> None:
    """Every other thread runs on: it is the loop that reports.

    READY comes from another thread, before the first report or after it.
    """
    with listening() as manager, fresh_daemon(environment=watched(manager)) as daemon:
        expected = {"READY", "WATCHDOG"}
        while expected:
            expected -= manager.next().keys()
        with frozen(thread_named(daemon.pid, "sealbuf-loop")):
            manager.waiting()
            with pytest.raises(TimeoutError):
                manager.next(5 * WATCHDOG_SECONDS)
        assert manager.next() == ALIVE


def test_a_watchdog_for_another_process_is_left_alone(fresh_daemon: Start) -> None:
    with listening() as manager:
        environment = watched(manager, WATCHDOG_PID="1")
        with fresh_daemon(environment=environment):
            assert "READY" in manager.next()
            with pytest.raises(TimeoutError):
                manager.next(5 * WATCHDOG_SECONDS)


LONG = "/" + "x" * 107
IGNORED = {
    "vsock:2:1": "NOTIFY_SOCKET is neither a path nor an abstract name, and is ignored: vsock:2:1",
    LONG: "NOTIFY_SOCKET cannot be used, and is ignored:"
    f" connect(address={LONG} bytes=108 max=107): ENAMETOOLONG (36)",
    "/nowhere/notify": "the service manager cannot be told:"
    " connect(address=/nowhere/notify): ENOENT (2)",
}


@pytest.mark.parametrize("address", IGNORED, ids=["unknown", "long", "nobody"])
def test_a_bad_address_costs_one_line_in_the_log(fresh_daemon: Start, address: str) -> None:
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": WATCHDOG_USEC}
    with fresh_daemon(environment=environment) as daemon:
        with daemon.open(Uid.READER) as client:
            client.expect("pong", "ping")
        daemon.stop()
        about = [text for text in daemon.log.splitlines() if address in text]
        assert len(about) == 1, daemon.log
        assert about[0].endswith(IGNORED[address])


def test_a_watchdog_time_that_makes_no_sense_is_ignored(fresh_daemon: Start) -> None:
    with listening() as manager:
        environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "soon"}
        with fresh_daemon(environment=environment) as daemon:
            assert "READY" in manager.next()
            daemon.stop()
            assert "WATCHDOG_USEC is no time, and is ignored: soon" in daemon.log
        assert manager.waiting() == [STOPPING]
