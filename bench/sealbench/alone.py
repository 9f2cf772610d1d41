"""One process and its server on one core: ping, get, read, put, batch; the first of each."""

from collections.abc import Callable
from functools import partial

from sealbench.cast import Cast, Samples
from sealbench.plan import Plan
from sealbench.progress import say
from sealbench.results import Key

READ_FROM = 1 << 10
BATCH_BYTES = 1024


def run(cast: Cast, plan: Plan) -> None:
    for nbytes in plan.get_sizes:
        say(f"fill {nbytes}")
        _quietly(cast, "fill", nbytes)
        _quietly(cast, "check", nbytes)
    _small(cast, plan)
    for nbytes in plan.get_sizes:
        _gets(cast, plan, nbytes)
    for nbytes in plan.put_sizes:
        _puts(cast, plan, nbytes)
    for number in range(plan.first_rounds):
        say(f"new processes, round {number + 1} of {plan.first_rounds}")
        _newcomers(cast, plan)
    for nbytes in plan.get_sizes:
        _quietly(cast, "check", nbytes)
        _quietly(cast, "clear", nbytes)


def _small(cast: Cast, plan: Plan) -> None:
    say("ping, batch")
    for _ in range(plan.rounds):
        cast.measure("ping", 0, _asked(cast, "ping", seconds=plan.turn_seconds))
    for _ in range(plan.rounds):
        cast.measure("batch", BATCH_BYTES, _asked(cast, "batch", seconds=plan.turn_seconds))


def _gets(cast: Cast, plan: Plan, nbytes: int) -> None:
    say(f"get, read {nbytes}")
    size = {"nbytes": nbytes, "seconds": plan.turn_seconds}
    for number in range(plan.rounds):
        cast.measure("get", nbytes, _asked(cast, "get", **size, seed=number))
        if nbytes >= READ_FROM:
            cast.measure("read", nbytes, _asked(cast, "read", **size, seed=number))


def _puts(cast: Cast, plan: Plan, nbytes: int) -> None:
    say(f"put, sustained {nbytes}")
    size = {"nbytes": nbytes, "seconds": plan.turn_seconds}
    for _ in range(plan.rounds):
        cast.measure("put", nbytes, _asked(cast, "put", **size))
        cast.measure("sustained", nbytes, _asked(cast, "sustained", **size))


def _newcomers(cast: Cast, plan: Plan) -> None:
    for peer in cast.names:
        cast.attempt("first_get", peer, 0, partial(_newcomer, cast, plan, peer))


def _newcomer(cast: Cast, plan: Plan, peer: str) -> None:
    """A process that gets, then puts, each size for the first time."""
    with cast.guests(peer) as (guest,):
        for nbytes in plan.get_sizes:
            ask = partial(guest.samples, "first_get", nbytes=nbytes, most=plan.first_names)
            cast.turn(Key("first_get", peer, nbytes), ask)
        for nbytes in plan.put_sizes:
            cast.turn(
                Key("first_put", peer, nbytes), partial(guest.samples, "first_put", nbytes=nbytes)
            )


def _quietly(cast: Cast, do: str, nbytes: int) -> None:
    cast.measure(do, nbytes, _asked(cast, do, nbytes=nbytes))


def _asked(cast: Cast, do: str, **arguments: float) -> Callable[[str], Samples]:
    return lambda peer: cast.owner(peer).samples(do, **arguments)
