"""Clients across the end of their daemon and the start of the next one, on the same socket."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import sealbuf
from harness.daemon import Daemon, socket_folder
from harness.marked import check, marked
from harness.uids import Uid
from harness.workers import Channel, worker
from sealbuf._arrow import Stream
from sealbuf._objects import Pickled

pytestmark = [pytest.mark.daemon, pytest.mark.one_version]

CEILING = 10.0
"""Seconds; what takes longer hangs."""
READERS = 8
SMALL, LARGE = 5000, 1 << 20
OLD, NEW = 1, 2


class Service:
    """One daemon after the other."""

    def __init__(self) -> None:
        self.socket = socket_folder() / "sealbuf.sock"
        self.daemon: Daemon | None = None

    @property
    def path(self) -> str:
        return str(self.socket)

    def start(self) -> None:
        self.daemon = Daemon(self.socket)
        self.daemon.wait_until_ready()

    def kill(self) -> None:
        if self.daemon is not None:
            self.daemon.kill()

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    made.start()
    try:
        yield made
    finally:
        made.kill()


END: dict[str, Callable[[Service], None]] = {"killed": Service.kill, "stopped": Service.stop}

ended = pytest.mark.parametrize("end", END)


def publish(path: str, number: int) -> None:
    def work(_: Channel) -> None:
        with sealbuf.connect(path, timeout=CEILING) as store:
            store.put(marked("small", number, SMALL), "small")
            store.put(marked("large", number, LARGE), "large")

    with worker(work, Uid.PRODUCER) as producer:
        producer.finish()


def mapped() -> int:
    return Path("/proc/self/maps").read_text().count("/memfd:")


def read_across(path: str, channel: Channel) -> None:
    """Keeps views of the old daemon's buffers, and tells when the next one answered first."""
    with sealbuf.connect(path, timeout=CEILING) as store:
        views = {name: store.get(name).memoryview() for name in ("small", "large")}
        channel.say("reading")
        answered = 0.0
        while not answered:
            try:
                number = check("small", store.get("small").memoryview())
            except sealbuf.NotFound:
                answered = time.monotonic()
            else:
                if number == NEW:
                    answered = time.monotonic()
        assert "absent" not in store
        for name, view in views.items():
            assert check(name, view) == OLD
        channel.say(answered)
        channel.hear()
        assert check("small", store.get("small", CEILING).memoryview()) == NEW
        assert check("large", store.get("large", CEILING).memoryview()) == NEW
        for name, view in views.items():
            assert check(name, view) == OLD


@ended
def test_views_live_on_and_the_next_daemon_answers_soon(service: Service, end: str) -> None:
    publish(service.path, OLD)
    with ExitStack() as stack:
        readers = [stack.enter_context(worker(partial(read_across, service.path)))
                   for _ in range(READERS)]  # fmt: skip
        for each in readers:
            each.expect("reading")
        END[end](service)
        service.start()
        ready = time.monotonic()
        latest = max(each.hear() for each in readers)
        assert latest - ready < CEILING
        publish(service.path, NEW)
        for each in readers:
            each.say("published")
            each.finish()


def put_across(path: str, channel: Channel) -> None:
    """Puts, deletes and creates all the time; no call may fail."""
    published: list[str] = []
    with sealbuf.connect(path, timeout=CEILING) as store:
        first = daemon = store._link.current().daemon
        channel.say("putting")
        while daemon == first or len(published) < 300:
            now = store._link.current().daemon
            if now != daemon:
                daemon, published = now, published[-1:]  # that one may be the old daemon's
            name = f"{os.getpid()}/{time.monotonic_ns()}"
            store.put(name.encode() * 10, name)
            published.append(name)
        there = {entry.name for entry in store.list(f"{os.getpid()}/")}
        assert set(published[1:]) <= there
        for name in published[1:]:
            assert store.get(name) == name.encode() * 10
    channel.say("done")


@ended
def test_puts_under_way_are_done_by_the_next_daemon(service: Service, end: str) -> None:
    with ExitStack() as stack:
        producers = [
            stack.enter_context(worker(partial(put_across, service.path), Uid.PRODUCER))
            for _ in range(3)
        ]
        for each in producers:
            each.expect("putting")
        END[end](service)
        service.start()
        for each in producers:
            each.expect("done")
            each.finish()


def wait_across(path: str, channel: Channel) -> None:
    with sealbuf.connect(path, timeout=CEILING) as store:
        old = store.get("small")
        channel.say("waiting")
        newer = store.get("small", CEILING, newer_than=old.version)
        assert check("small", newer.memoryview()) == NEW
        assert newer.version <= old.version, "the new daemon counts from the start"
        assert check("large", store.get("large", CEILING).memoryview()) == NEW
    channel.say("done")


def take_across(path: str, channel: Channel) -> None:
    with sealbuf.connect(path, timeout=CEILING) as store:
        channel.say("waiting")
        assert store.take("left for one", 2 * CEILING) == b"to take"
    channel.say("done")


@ended
def test_who_waits_goes_on_waiting_at_the_next_daemon(service: Service, end: str) -> None:
    publish(service.path, OLD)
    with (
        worker(partial(wait_across, service.path)) as getting,
        worker(partial(take_across, service.path), Uid.PRODUCER) as taking,
    ):
        getting.expect("waiting")
        taking.expect("waiting")
        END[end](service)
        service.start()
        publish(service.path, NEW)
        getting.expect("done")
        getting.finish()
        with worker(partial(leave_one, service.path), Uid.PRODUCER) as leaving:
            leaving.finish()
        taking.expect("done")
        taking.finish()


def leave_one(path: str, _: Channel) -> None:
    with sealbuf.connect(path, timeout=CEILING) as store:
        store.put(b"to take", "left for one")


def create_across(path: str, channel: Channel) -> None:
    calls: list[int] = []

    def factory() -> bytes:
        calls.append(1)
        channel.say("creating")
        channel.hear()
        return b"made once"

    with sealbuf.connect(path, timeout=CEILING) as store:
        assert store.get_or_create("created", factory) == b"made once"
        assert store.get("created") == b"made once"
    channel.say(len(calls))


@ended
def test_what_was_made_is_made_once_and_offered_to_the_next_daemon(
    service: Service, end: str
) -> None:
    with worker(partial(create_across, service.path), Uid.PRODUCER) as creating:
        creating.expect("creating")
        END[end](service)
        creating.say("go on")
        service.start()
        creating.expect(1)
        creating.finish()


def watch_across(path: str, channel: Channel) -> None:
    with sealbuf.connect(path, timeout=CEILING) as store, store.watch(replay=True) as watch:
        old = {next(watch).name for _ in range(2)}
        descriptor = watch.fileno()
        channel.say(sorted(old))
        overflow = next(watch)
        assert (overflow.kind, overflow.name) == ("overflow", "")
        assert watch.fileno() == descriptor
        new = {next(watch).name for _ in range(2)}
    channel.say(sorted(new))


@ended
def test_a_watcher_is_told_and_sees_what_the_next_daemon_has(service: Service, end: str) -> None:
    publish(service.path, OLD)
    with worker(partial(watch_across, service.path)) as watching:
        watching.expect(["large", "small"])
        END[end](service)
        service.start()
        publish(service.path, NEW)
        watching.expect(["large", "small"])
        watching.finish()


def sleep_across(path: str, channel: Channel) -> None:
    with sealbuf.connect(path, timeout=CEILING) as store:
        view = store.get("small").memoryview()
        store.get("large")
        channel.say(mapped())
        channel.hear()
        catalog, viewed = 1, 1
        end = time.monotonic() + CEILING
        while mapped() > catalog + viewed and time.monotonic() < end:
            time.sleep(0.05)
        assert mapped() == catalog + viewed
        assert check("small", view) == OLD
        del view
        while mapped() > catalog and time.monotonic() < end:
            time.sleep(0.05)
        assert mapped() == catalog
    channel.say("done")


def test_one_who_sleeps_holds_nothing_of_a_dead_daemon_but_what_it_views(service: Service) -> None:
    publish(service.path, OLD)
    with worker(partial(sleep_across, service.path)) as sleeping:
        assert sleeping.hear() >= 2
        service.kill()
        sleeping.say("killed")
        sleeping.expect("done")
        sleeping.finish()


def restart_often(path: str, channel: Channel) -> None:
    """Descriptors and mappings are those of one session, however many there were."""
    counts: set[tuple[int, int]] = set()
    with sealbuf.connect(path, timeout=CEILING) as store:
        while True:
            store.put(b"hello", "greeting", replace=True)
            assert store.get("greeting", CEILING) == b"hello"
            with pytest.raises(sealbuf.Timeout):
                store.get("absent", 0.01)
            counts.add((len(list(Path("/proc/self/fd").iterdir())), mapped()))
            channel.say(len(counts))
            if channel.hear() == "enough":
                break
        descriptors, mappings = zip(*counts, strict=True)
        side_session = 1  # closed if the daemon was late with its answer, else kept
        assert max(descriptors) - min(descriptors) <= side_session, counts
        assert len(set(mappings)) == 1, counts


def test_nothing_is_left_of_old_sessions(service: Service) -> None:
    with worker(partial(restart_often, service.path), Uid.PRODUCER) as working:
        for _ in range(3):
            working.hear()
            service.kill()
            service.start()
            working.say("again")
        working.hear()
        working.say("enough")
        working.finish()


def write_across(content: type[Stream] | type[Pickled], path: str, channel: Channel) -> None:
    write, rooms = content.write, list[memoryview]()

    def interrupted(self: Any, room: memoryview) -> None:
        rooms.append(room[:0])
        if len(rooms) == 1:
            channel.say("writing")
            channel.hear()
        write(self, room)

    content.write = interrupted  # type: ignore[method-assign]
    numbers = np.arange(LARGE)
    with sealbuf.connect(path, timeout=CEILING) as store:
        if content is Stream:
            store.put(pa.table({"x": numbers}), "large")
            found = store.get_arrow("large")["x"].to_numpy()
        else:
            store.put_object(numbers, "large")
            found = store.get_object("large")
        assert (found == numbers).all()
    channel.say(len(rooms))


@ended
@pytest.mark.parametrize("content", [Stream, Pickled])
def test_what_writes_itself_is_written_again_for_the_next_daemon(
    service: Service, end: str, content: type[Stream] | type[Pickled]
) -> None:
    with worker(partial(write_across, content, service.path), Uid.PRODUCER) as producer:
        producer.expect("writing")
        END[end](service)
        service.start()
        producer.say("go on")
        producer.expect(2)
        producer.finish()
