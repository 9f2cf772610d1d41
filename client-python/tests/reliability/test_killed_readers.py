"""Readers that are killed, however many at once, leave nothing to clean up.

Invariant: a reader writes nothing that others read, and the kernel takes back what it mapped. The
daemon does not even have to log it.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.producer import published
from harness.uids import Uid
from harness.workers import Channel, worker

pytestmark = [pytest.mark.shows(35), pytest.mark.one_version]

READERS = 100
NAMES = [f"mapped/{number}" for number in range(8)]
LARGE = 300 << 10
LIFETIME = 60


def content(name: str) -> bytes:
    """Half of them lie in a slab, half in segments of their own."""
    return name.encode() * (LARGE // len(name) if int(name[-1]) % 2 else 10)


def hold_maps(path: str, ready: int) -> None:
    """Becomes a reader that holds a view of every buffer until it is killed."""
    with sealbuf.connect(path, timeout=60) as store:
        views = [store.get(name).memoryview() for name in NAMES]
        if [bytes(view) for view in views] == [content(name) for name in NAMES]:
            os.write(ready, b"r")
        time.sleep(LIFETIME)


def kill_readers(path: str, times: int, channel: Channel) -> None:
    """So many times: starts the readers, waits until all hold their maps, kills all at once."""
    for _ in range(times):
        reading, ready = os.pipe()
        readers = []
        for _ in range(READERS):
            pid = os.fork()
            if pid == 0:
                try:
                    hold_maps(path, ready)
                finally:
                    os._exit(1)
            readers.append(pid)
        os.close(ready)
        held = 0
        while held < READERS and (came := os.read(reading, READERS)):
            held += len(came)
        for pid in readers:
            os.kill(pid, signal.SIGKILL)
        ends = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in readers}
        os.close(reading)
        channel.say([held, sorted(ends)])
        channel.hear()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("undisturbed")
def test_a_hundred_readers_may_be_killed_at_once_while_they_hold_maps(
    daemon: Daemon, rounds: Callable[..., int]
) -> None:
    times = rounds(100)
    with daemon.open(Uid.PRODUCER) as producer, ExitStack() as stack:
        for name in NAMES:
            if len(content(name)) > LARGE // 2:
                stack.enter_context(published(producer, name, content(name)))
            else:
                producer.expect("published", "put", content(name), name=name)
                stack.callback(producer.expect, "deleted", "delete", name=name)
        log = daemon.log
        with worker(partial(kill_readers, daemon.path, times), Uid.READER) as readers:
            for _ in range(times):
                assert readers.hear() == [READERS, [-signal.SIGKILL]]
                producer.expect("pong", "ping")
                readers.say("again")
            readers.finish()
        assert daemon.log == log
