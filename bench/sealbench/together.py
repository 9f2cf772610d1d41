"""Many processes on all cores: readers of one buffer, and producers at once."""

from functools import partial

from sealbench.cast import Cast, Samples
from sealbench.child import Child
from sealbench.plan import Plan
from sealbench.progress import say
from sealbench.results import Key

CLIENT_BYTES = 1024


def run(cast: Cast, plan: Plan) -> None:
    for peer in cast.names:
        say(f"{peer}: {plan.readers} readers of {plan.reader_bytes}")
        cast.attempt("readers", peer, plan.reader_bytes, partial(_read, cast, plan, peer))
    for processes in plan.clients:
        say(f"puts of {processes} clients")
        for _ in range(plan.rounds):
            act = partial(_rate, cast, plan, processes)
            cast.measure("puts", CLIENT_BYTES, act, processes, "1/s")


def _read(cast: Cast, plan: Plan, peer: str) -> None:
    """One buffer at a time: 1 GiB of each peer would be too much to keep."""
    nbytes = plan.reader_bytes
    owner = cast.owner(peer)
    owner.ask("fill", nbytes=nbytes)
    with cast.guests(peer, max(plan.readers)) as guests:
        for processes in plan.readers * plan.rounds:
            key = Key("readers", peer, nbytes, processes)
            cast.add(key, [_scanned(guests[:processes], nbytes)])
    for processes in plan.readers:
        with cast.guests(peer, processes) as guests:
            key = Key("readers_pss", peer, nbytes, processes, "bytes")
            cast.add(key, [_grown(guests, nbytes)])
    owner.ask("clear", nbytes=nbytes)


def _scanned(guests: list[Child], nbytes: int) -> int:
    """From the first one's beginning to the last one's end."""
    spans = _all(guests, "scan", nbytes=nbytes)
    return max(end for _, end in spans) - min(begin for begin, _ in spans)


def _grown(guests: list[Child], nbytes: int) -> int:
    """What the data adds to the sum of the processes' shares of memory, all holding it."""
    before = _pss(guests)
    _all(guests, "hold", nbytes=nbytes)
    return _pss(guests) - before


def _rate(cast: Cast, plan: Plan, processes: int, peer: str) -> Samples:
    """Puts a second, all clients together."""
    with cast.guests(peer, processes) as guests:
        seconds = max(plan.turn_seconds, 0.1)
        done = _all(guests, "rate", nbytes=CLIENT_BYTES, seconds=seconds)
    return [sum(count * 1e9 / took for count, took in done)]


def _all(guests: list[Child], do: str, **arguments: float) -> list[list[int]]:
    """All of them at once."""
    for guest in guests:
        guest.send(do, **arguments)
    return [guest.receive()["samples"] for guest in guests]


def _pss(guests: list[Child]) -> int:
    return sum(guest.ask("pss")["pss_bytes"] for guest in guests)
