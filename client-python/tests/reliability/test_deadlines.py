"""No call waits longer than it was told to, even if the daemon does not run at all.

Invariant: with the daemon stopped by SIGSTOP every call that asks it returns by its deadline and a
tenth of it; when the daemon goes on, the same stores go on.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import sealbuf
from harness.bystander import overcommitment
from harness.daemon import Daemon
from harness.uids import Uid
from harness.workers import Channel, worker

LATE = 1.1
"""Of the deadline."""

TICKS = 0.1
"""Seconds in which one thread of many gets its turn."""

LARGE = 300 << 10
UNMAPPED = "stopped/unmapped"
NEW = "stopped/new"

Call = Callable[[], object]

CALLS: dict[str, Callable[[sealbuf.Store, float], Call]] = {
    "ping": lambda store, _: store.ping,
    "stats": lambda store, _: store.stats,
    "list": lambda store, _: store.list,
    "holders": lambda store, _: store.holders,
    "watch": lambda store, _: store.watch,
    "get": lambda store, _: lambda: store.get(UNMAPPED),
    "get and wait": lambda store, timeout: lambda: store.get("stopped/never", timeout=timeout),
    "take": lambda store, _: lambda: store.take(UNMAPPED),
    "take and wait": lambda store, timeout: lambda: store.take("stopped/never", timeout=timeout),
    "get or create": lambda store, _: lambda: store.get_or_create(f"{NEW}/made", bytes),
    "put": lambda store, _: lambda: store.put(b"", f"{NEW}/put"),
    "put and wait": lambda store, timeout: lambda: store.put(b"", f"{NEW}/room", timeout=timeout),
    "put large": lambda store, _: lambda: store.put(bytes(LARGE), f"{NEW}/large"),
    "put many": lambda store, _: lambda: store.put_many({f"{NEW}/many": b""}),
    "create": lambda store, _: lambda: store.create(f"{NEW}/created", nbytes=1),
    "seal": lambda store, _: store.create(f"{NEW}/sealed", nbytes=100).seal,
    "abort": lambda store, _: store.create(nbytes=100).abort,
    "delete": lambda store, _: lambda: store.delete(UNMAPPED),
    "delete many": lambda store, _: lambda: store.delete(f"{NEW}/1", f"{NEW}/2"),
}
"""Every call that asks the daemon: what makes it ready, with a store of its own, whose deadline is
also that of the wait where there is one."""


def make_calls(path: str, timeouts: dict[str, float], channel: Channel) -> None:
    stores = {name: sealbuf.connect(path, timeout=timeouts[name]) for name in CALLS}
    prepared = {name: prepare(stores[name], timeouts[name]) for name, prepare in CALLS.items()}
    prepared["connect"] = lambda: sealbuf.connect(path, timeout=timeouts["connect"])
    outcomes: dict[str, tuple[float, str]] = {}

    def make(name: str, call: Call) -> None:
        start, outcome = time.monotonic(), "returned"
        try:
            call()
        except sealbuf.Error as error:
            outcome = type(error).__name__
        outcomes[name] = (time.monotonic() - start, outcome)

    threads = [threading.Thread(target=make, args=call) for call in prepared.items()]
    channel.say("ready")
    channel.hear()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    channel.say(outcomes)
    channel.hear()
    channel.say([name for name, store in stores.items() if store.ping() < 0])


@pytest.fixture
def unmapped(daemon: Daemon) -> Iterator[None]:
    with daemon.open(Uid.PRODUCER) as owner:
        lent = owner.expect("lent", "create", name=UNMAPPED, nbytes=LARGE)
        lent.close()
        owner.expect("published", "seal", buffer=lent["buffer"])
        yield
        for entry in owner.entries("stopped/"):
            owner.expect("deleted", "delete", name=entry["name"])


@pytest.mark.shows(26)
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("unmapped")
def test_every_call_returns_by_its_deadline_while_the_daemon_is_stopped(
    daemon: Daemon, rounds: Callable[..., int], rng: random.Random
) -> None:
    stopped = rounds(30, small=3)
    timeouts = {name: stopped * rng.uniform(0.2, 0.8) for name in (*CALLS, "connect")}
    with worker(partial(make_calls, daemon.path, timeouts), Uid.PRODUCER) as client:
        client.expect("ready")
        with daemon.paused():
            client.say("go")
            outcomes = client.hear()
        client.say("go on")
        client.expect([])
        client.finish()
    assert {name: outcome for name, (_, outcome) in outcomes.items()} == dict.fromkeys(
        timeouts, "Timeout"
    )
    for name, (seconds, _) in outcomes.items():
        allowed = timeouts[name] * LATE + TICKS * overcommitment()
        assert timeouts[name] * 0.99 <= seconds <= allowed, f"call={name} {seconds=} {allowed=}"
