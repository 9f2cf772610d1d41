"""What a store does when its daemon goes away: which calls are done again. Scripted daemons."""

import gc
import math
import os
import select
import threading
import weakref
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

import sealbuf
from helpers.line import FakeDaemon, FakeSession, Line
from sealbuf import _link as link
from sealbuf._deadline import Deadline
from sealbuf._limits import WAIT_MAX

UNKNOWN = (
    "the connection broke before the reply came, whether it was done is not known: socket=peer"
)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def message(kind: type[sealbuf.Error], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value.message


def lose(session: FakeSession) -> None:
    """Its process was killed: the kernel marks the owner word and closes the socket."""
    session.daemon.die()
    session.end()


def test_the_next_daemon_answers_and_the_old_one_never(line: Line) -> None:
    old = line.daemon()
    old.made.put("greeting", b"old")
    first = line.session(old)
    store = line.store()
    first.mapped()
    seen = store.get("greeting")
    lose(first)
    new = line.daemon()
    second = line.session(new)
    assert message(sealbuf.NotFound, lambda: store.get("greeting")) == (
        "no such buffer: name=greeting"
    )
    new.made.put("greeting", b"new")
    second.mapped()
    assert store.get("greeting") == b"new"
    assert seen == b"old"
    assert line.dialled == 2
    store.close()


def sent_and_lost(line: Line, *, same: bool) -> tuple[sealbuf.Store, FakeSession]:
    """A store whose daemon reads the next request and goes away, and the session after it."""
    old = line.daemon()
    first = line.session(old)
    store = line.store()
    first.end_after_request()
    if not same:
        old.die()
    return store, line.session(old if same else line.daemon())


def test_what_changes_nothing_is_asked_again(line: Line) -> None:
    store, second = sent_and_lost(line, same=True)
    second.answer("pong")
    assert store.ping() >= 0
    assert second.asked() == ["hello", "ping"]
    store.close()


def test_a_put_is_done_again_at_another_daemon(line: Line) -> None:
    old = line.daemon()
    first = line.session(old)
    store = line.store()
    first.end_after_request()
    second = line.session(line.daemon())
    second.published("greeting")
    assert store.put(b"hello", "greeting").name == "greeting"
    assert first.asked() == ["hello", "put"]
    assert second.asked() == ["hello", "put"]
    store.close()


@pytest.mark.parametrize(
    ("op", "call"),
    [
        ("put", lambda store: store.put(b"", "a")),
        ("create", lambda store: store.create("a", nbytes=1)),
        ("delete", lambda store: store.delete("a")),
        ("take", lambda store: store.take("a")),
        ("put_many", lambda store: store.put_many({"a": b""})),
    ],
)
def test_a_change_that_was_sent_is_not_done_again_at_the_same_daemon(
    line: Line, op: str, call: Callable[[sealbuf.Store], object]
) -> None:
    old = line.daemon()
    first, second = line.session(old), line.session(old)
    store = line.store()
    first.end_after_request()
    assert message(sealbuf.Disconnected, lambda: call(store)) == UNKNOWN
    assert first.asked() == ["hello", op]
    second.answer("pong")
    store.ping()
    assert second.asked() == ["hello", "ping"]
    store.close()


def test_a_change_that_was_not_sent_is_done_at_the_same_daemon(line: Line) -> None:
    old = line.daemon()
    first, second = line.session(old), line.session(old)
    store = line.store()
    first.end()
    second.published("a")
    assert store.put(b"", "a").name == "a"
    assert second.asked() == ["hello", "put"]
    store.close()


def test_a_daemon_that_stops_says_so_and_the_next_is_asked(line: Line) -> None:
    first, second = line.session(line.daemon()), line.session(line.daemon())
    store = line.store()
    bye = {"reply": "error", "seq": 0, "code": "disconnected", "message": "the daemon stops"}
    first.peer.reply(bye)
    first.end()
    second.answer("pong")
    store.ping()
    store.close()


def test_nobody_within_the_deadline_is_no_daemon_and_later_calls_try_again(line: Line) -> None:
    line.timeout = 0.3
    first = line.session(line.daemon())
    store = line.store()
    lose(first)
    start = monotonic()
    for call in (store.ping, lambda: store.get("a"), lambda: store.put(b"", "a")):
        assert message(sealbuf.NoDaemon, call) == (
            "no daemon came within the deadline: timeout=0.3 socket=peer"
        )
    assert 0.9 <= monotonic() - start < 20
    tries = line.dialled
    second = line.session(line.daemon())
    second.answer("pong")
    store.ping()
    assert line.dialled == tries + 1
    store.close()


def test_tries_to_connect_become_rarer_up_to_a_bound() -> None:
    pauses, pause = [], 0.0
    for _ in range(10):
        pause = link.longer(pause)
        pauses.append(pause)
    assert pauses[:3] == [0.01, 0.02, 0.04]
    assert pauses[-1] == max(pauses) <= 1.0


def test_a_shortage_of_sessions_is_waited_out(line: Line) -> None:
    first = line.session(line.daemon())
    store = line.store()
    lose(first)
    busy = [True, True]

    def shortage() -> None:
        if busy:
            busy.pop()
            raise sealbuf.TryAgain("too many sessions: sessions=9 max=9")

    line.when_dialled = shortage
    second = line.session(line.daemon())
    second.answer("pong")
    store.ping()
    assert line.dialled == 4
    store.close()


def test_threads_that_notice_at_once_connect_once(line: Line) -> None:
    old = line.daemon()
    first = line.session(old)
    store = line.store()
    lose(first)
    new = line.daemon()
    new.made.put("greeting", b"new")
    second = line.session(new)
    for _ in range(8):
        second.mapped()
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(store.get("greeting").to_bytes()))
               for _ in range(8)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [b"new"] * 8
    assert line.dialled == 2
    store.close()


def test_close_ends_the_waiting_for_a_daemon(line: Line) -> None:
    line.timeout = 30.0
    first = line.session(line.daemon())
    store = line.store()
    lose(first)
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(message(sealbuf.Closed, store.ping)))
    waiting.start()
    while line.dialled < 3:
        threading.Event().wait(0.01)
    store.close()
    waiting.join(10)
    assert said == ["store is closed: socket=peer"]


def test_a_buffer_that_nobody_looked_at_goes_with_its_daemon(line: Line) -> None:
    first = line.session(line.daemon())
    store = line.store()
    first.published("greeting")
    buffer = store.put(b"hello", "greeting")
    lose(first)
    line.session(line.daemon())
    assert message(sealbuf.Disconnected, buffer.to_bytes) == (
        "the daemon went away before anybody looked at this Buffer of it: name=greeting"
    )
    assert buffer.name == "greeting"
    store.close()


def test_a_buffer_whose_memory_went_before_the_first_look_says_so(line: Line) -> None:
    first = line.session(line.daemon())
    store = line.store()
    first.published("greeting")
    buffer = store.put(b"hello", "greeting")
    for _ in range(2):  # close looks once more
        first.error("not_found", "no slab has this number: segment=2")
    assert message(sealbuf.NotFound, buffer.to_bytes) == (
        "the buffer was deleted, and its memory given back, before anybody looked at this Buffer "
        "of it: name=greeting"
    )
    store.close()


def test_a_buffer_is_looked_at_over_the_next_session_with_its_daemon(line: Line) -> None:
    old = line.daemon()
    at = old.made.put("greeting", b"hello")
    first, second = line.session(old), line.session(old)
    store = line.store()
    first.published("greeting", record=at)
    buffer = store.put(b"hello", "greeting")
    first.end()
    second.mapped()
    assert buffer == b"hello"
    store.close()


def test_a_forked_child_connects_anew(line: Line) -> None:
    first = line.session(line.daemon())
    second = line.session(first.daemon)
    store = line.store()
    second.answer("pong")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            store.ping()
            store.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert second.asked() == ["hello", "ping"]
    first.answer("pong")
    store.ping()
    assert first.asked() == ["hello", "ping"]
    store.close()


def test_an_old_session_goes_without_the_garbage_collector(line: Line) -> None:
    gc.disable()
    try:
        first = line.session(line.daemon())
        store = line.store()
        old = weakref.ref(store._link.current())
        header = weakref.ref(store._link.current().catalog)
        lose(first)
        second = line.session(line.daemon())
        second.answer("pong")
        store.ping()
        assert old() is None
        assert header() is None
    finally:
        gc.enable()
    store.close()


def watched(line: Line, daemon: FakeDaemon) -> FakeSession:
    session = line.session(daemon)
    session.answer("watching", version=1)
    return session


def test_events_that_came_with_the_answer_make_a_watch_readable(line: Line) -> None:
    daemon = line.daemon()
    line.session(daemon)
    event = {"kind": "sealed", "name": "a", "buffer": 1, "version": 1, "nbytes": 0}
    session = watched(line, daemon)
    session.peer.reply({"reply": "event", "seq": 0, **event, "owner": 1, "created": 1})
    store = line.store()
    with store.watch("a", replay=True) as watch:
        assert select.select([watch], [], [], 5)[0] == [watch]
        assert [each.name for each in watch.ready()] == ["a"]
        assert select.select([watch], [], [], 0)[0] == []
    store.close()


def test_a_closed_store_watches_nothing(line: Line) -> None:
    line.session(line.daemon())
    store = line.store()
    store.close()
    assert message(sealbuf.Closed, store.watch) == "store is closed: socket=peer"
    assert line.dialled == 1


def test_close_ends_a_watch_that_waits_for_a_daemon() -> None:
    line = Line(timeout=60)
    daemon = line.daemon()
    line.session(daemon)
    watched(line, daemon).end()
    store = line.store()
    watch = store.watch()
    line.when_dialled = watch.close
    assert list(watch) == []
    assert line.dialled == 3
    store.close()
    line.close()


def test_a_get_keeps_its_deadline_while_a_slab_is_brought() -> None:
    line = Line(timeout=60)
    daemon = line.daemon()
    daemon.made.put("greeting", b"hello")
    line.session(daemon)
    store = line.store()
    start = monotonic()
    assert message(sealbuf.Timeout, lambda: store.get("greeting", timeout=0.1)) == (
        "no answer within the deadline: op=map timeout=0.1"
    )
    assert monotonic() - start < 30
    store.close()
    line.close()


def test_close_does_not_wait_for_an_answer_that_another_thread_waits_for() -> None:
    line = Line(timeout=60)
    session = line.session(line.daemon())
    store = line.store()
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(message(sealbuf.Closed, store.ping)))
    thread.start()
    while session.asked()[-1:] != ["ping"]:
        pass
    store.close()
    thread.join(30)
    assert outcome == ["store is closed: socket=peer"]
    line.close()


def test_who_waits_for_ever_is_kept_by_the_daemon_as_long_as_it_can() -> None:
    assert Deadline.of_waiting(math.inf).wait_millis == WAIT_MAX
