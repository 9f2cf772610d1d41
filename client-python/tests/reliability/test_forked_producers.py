"""A forked child does not keep alive what its killed parent had not finished.

Invariant: a session ends with the process that connected, although a child has the same socket, the
same descriptors and the same mappings, and goes on living.
"""

import mmap
import os
import time
from collections.abc import Callable
from functools import partial

import pytest

import sealbuf
from harness.daemon import Daemon
from harness.producer import assert_soon_freed
from harness.raw import RawClient
from harness.uids import Uid
from harness.workers import Channel, Worker

SIZE = 300 << 10
NAME = "killed"
LIFETIME = 60


def fork_and_wait(path: str, library: bool, channel: Channel) -> None:
    """Forks while a buffer is unfinished; the child lives on with all that it inherited."""
    if library:
        store = sealbuf.connect(path)
        writer = store.create(NAME, nbytes=SIZE)
        writer.memoryview()[:5] = b"hello"
    else:
        client = RawClient.connect_here(path)
        client.hello().close()
        lent = client.expect("lent", "create", name=NAME, nbytes=SIZE)
        mapped = mmap.mmap(lent.descriptors[0], SIZE)
        mapped[:5] = b"hello"
    child = os.fork()
    if child == 0:
        time.sleep(LIFETIME)
        os._exit(0)
    channel.say(child)
    channel.hear()


@pytest.fixture(params=["library", "raw"])
def forking_producer(request: pytest.FixtureRequest, daemon: Daemon) -> Callable[[], Worker]:
    library = request.param == "library"
    return lambda: Worker(partial(fork_and_wait, daemon.path, library), Uid.PRODUCER)


@pytest.mark.shows(54)
@pytest.mark.usefixtures("undisturbed")
def test_a_forked_worker_outlives_its_killed_producer_and_keeps_nothing_alive(
    daemon: Daemon, forking_producer: Callable[[], Worker], rounds: Callable[..., int]
) -> None:
    with daemon.open(Uid.READER) as reader:
        for _ in range(rounds(100)):
            producer = forking_producer()
            try:
                child = producer.hear()
            finally:
                producer.kill()
            try:
                assert_soon_freed(reader, "with a child that lives on")
                reader.expect("not_found", "open", name=NAME)
                os.kill(child, 0)
            finally:
                os.kill(child, 9)
