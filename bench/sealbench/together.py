"""Many processes on all cores: readers of one buffer, and producers at once.

All rounds of a peer come after one another: starting so many processes takes longer than the work.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from sealbench.cast import Cast
from sealbench.child import Child
from sealbench.machine import memory_available
from sealbench.plan import Plan
from sealbench.progress import say
from sealbench.results import Key

CLIENT_BYTES = 1024
CLIENT_SECONDS = 0.2


def run(cast: Cast, plan: Plan) -> None:
    for peer in cast.names:
        reads = cast.able(peer, "readers", plan.reader_bytes)
        if not reads and not cast.able(peer, "puts", CLIENT_BYTES):
            continue
        say(f"{peer}: {plan.readers} readers, {plan.clients} clients")
        cast.attempt("readers", peer, plan.reader_bytes, partial(_readers, cast, plan, peer))
        cast.attempt("puts", peer, CLIENT_BYTES, partial(_clients, cast, plan, peer))


def _readers(cast: Cast, plan: Plan, peer: str) -> None:
    """One buffer at a time: 1 GiB of each peer would be too much to keep."""
    nbytes = plan.reader_bytes
    owner = cast.owner(peer)
    counts = [count for count in plan.readers if not cast.copies(peer) or _fit(count * nbytes)]
    for count in set(plan.readers) - set(counts):
        cast.omit(peer, f"readers/{nbytes} x {count}", "their copies do not fit into memory")
    if not counts:
        return
    with cast.guests(peer, max(counts)) as guests, owner.afterwards("clear", nbytes=nbytes):
        owner.ask("fill", nbytes=nbytes)
        cast.add(Key("readers_pss", peer, nbytes, len(guests), "bytes"), [_grown(guests, nbytes)])
        for processes in _rounds(plan, counts):
            key = Key("readers", peer, nbytes, processes)
            cast.add(key, [_scanned(guests[:processes], nbytes)])


def _fit(nbytes: int) -> bool:
    """Copies with the buffers that they are received in: redis-py took five times the size."""
    return 8 * nbytes < memory_available()


def _clients(cast: Cast, plan: Plan, peer: str) -> None:
    """Puts a second, all clients together."""
    with cast.guests(peer, max(plan.clients)) as guests:
        for processes in _rounds(plan, plan.clients):
            key = Key("puts", peer, CLIENT_BYTES, processes, "1/s")
            cast.add(key, [_rate(guests[:processes], max(plan.turn_seconds, CLIENT_SECONDS))])


def _rounds(plan: Plan, counts: Sequence[int]) -> Iterator[int]:
    """Each count in turn, round by round."""
    end = time.monotonic() + plan.many_seconds
    for _ in range(plan.rounds):
        yield from counts
        if time.monotonic() > end:
            return


def _scanned(guests: list[Child], nbytes: int) -> int:
    """From the first one's beginning to the last one's end."""
    spans = _all(guests, "scan", nbytes=nbytes)
    return max(end for _, end in spans) - min(begin for begin, _ in spans)


def _grown(guests: list[Child], nbytes: int) -> int:
    """What the data adds to the sum of these new processes' shares of memory."""
    before = _pss(guests)
    _all(guests, "hold", nbytes=nbytes)
    grown = _pss(guests) - before
    _all(guests, "let_go")
    return grown


def _rate(guests: list[Child], seconds: float) -> float:
    done = _all(guests, "rate", nbytes=CLIENT_BYTES, seconds=seconds)
    return sum(count * 1e9 / took for count, took in done)


def _all(guests: list[Child], do: str, **arguments: float) -> list[list[int]]:
    """All of them at once."""
    for guest in guests:
        guest.send(do, **arguments)
    return [guest.receive()["samples"] for guest in guests]


def _pss(guests: list[Child]) -> int:
    return sum(guest.ask("pss")["pss_bytes"] for guest in guests)
