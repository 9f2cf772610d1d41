"""Code for Plasma across the end of a daemon, and beside one that does not answer."""

from functools import partial

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.uids import Uid
from harness.workers import Channel, worker
from sealbuf.compat import plasma
from test_restarting import CEILING, Service
from test_restarting import service as service_fixture

service = service_fixture
pytestmark = pytest.mark.daemon

BRIEF = 0.3
"""Seconds that a call may take."""
LARGE = 1 << 20


@pytest.mark.timeout(120)
def test_subscribers_go_on_at_the_next_daemon(service: Service) -> None:
    """Also when it comes later than a call may take."""
    with worker(partial(subscribe_across, service.path), Uid.PRODUCER) as subscriber:
        subscriber.expect("told")
        service.kill()
        subscriber.expect("nobody")
        service.start()
        subscriber.expect("told again")
        subscriber.finish()


def subscribe_across(path: str, channel: Channel) -> None:
    client = plasma.PlasmaClient(sealbuf.connect(path, timeout=BRIEF), path)
    client.subscribe()
    object_id = client.put("before")
    assert client.get_next_notification()[0] == object_id
    channel.say("told")
    client.get_notification_socket().settimeout(10 * BRIEF)
    with pytest.raises((sealbuf.NoDaemon, sealbuf.Disconnected)):
        _ask_for_ever(client)
    with pytest.raises(TimeoutError):
        client.get_next_notification()
    client.get_notification_socket().settimeout(CEILING)
    channel.say("nobody")
    assert client.get_next_notification() == (object_id, -1, -1)
    object_id = client.put("after")
    assert client.get_next_notification()[0] == object_id
    client.disconnect()
    channel.say("told again")


def _ask_for_ever(client: plasma.PlasmaClient) -> None:
    while True:
        client.store_capacity()


def test_who_does_not_answer_is_not_taken_for_one_without_the_object(daemon: Daemon) -> None:
    with worker(partial(get_of_one_who_is_stopped, daemon.path), Uid.PRODUCER) as client:
        client.expect("put")
        with daemon.paused():
            client.say("stopped")
            client.expect("told")
        client.finish()


def get_of_one_who_is_stopped(path: str, channel: Channel) -> None:
    putting = plasma.connect(path)
    object_id = putting.put_raw_buffer(bytes(LARGE))
    client = plasma.PlasmaClient(sealbuf.connect(path, timeout=BRIEF), path)
    client.contains(object_id)
    channel.say("put")
    channel.hear()
    for timeout_ms in (0, 100):
        with pytest.raises(sealbuf.Timeout):
            client.get_buffers([object_id], timeout_ms)
        assert client.get_buffers([plasma.ObjectID.from_random()], timeout_ms) == [None]
    channel.say("told")
