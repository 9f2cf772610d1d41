"""From a producer's publishing to a consumer's reading, two processes on one core.

The consumer is waiting when the producer publishes; both look at the same clock.
"""

from functools import partial
from itertools import count

from sealbench.cast import Cast, Samples
from sealbench.plan import Plan
from sealbench.progress import say

PAUSE_SECONDS = 0.002
"""Long enough for the consumer to have gone to sleep."""

_serial = count()


def run(cast: Cast, plan: Plan) -> None:
    for nbytes in plan.hand_off_sizes:
        say(f"hand-off {nbytes}")
        for peer in cast.names:  # a round that does not count: this path is new to the servers
            cast.attempt("hand_off", peer, nbytes, partial(_warm_up, cast, plan, nbytes, peer))
        for _ in range(plan.rounds):
            cast.measure("hand_off", nbytes, partial(_hand_over, cast, plan, nbytes))


def _warm_up(cast: Cast, plan: Plan, nbytes: int, peer: str) -> None:
    _hand_over(cast, plan, nbytes, peer)


def _hand_over(cast: Cast, plan: Plan, nbytes: int, peer: str) -> Samples:
    handed = {"names_prefix": f"h/{next(_serial)}", "count": plan.hand_offs}
    producer = cast.owner(peer)
    with cast.guests(peer) as (consumer,), producer.afterwards("forget", **handed):
        consumer.send("consume", **handed)
        producer.send("produce", nbytes=nbytes, pause=PAUSE_SECONDS, **handed)
        begins, ends = producer.receive()["samples"], consumer.receive()["samples"]
    return [end - begin for begin, end in zip(begins, ends, strict=True)]
