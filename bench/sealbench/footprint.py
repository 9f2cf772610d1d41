"""What a server costs when nobody asks: memory without the data, and processor time."""

import time

from sealbench.cast import Cast
from sealbench.plan import Plan
from sealbench.progress import say
from sealbench.results import Key


def run(cast: Cast, plan: Plan) -> None:
    """After all that was asked of them."""
    say(f"idle for {plan.idle_seconds} s")
    before = {peer: cast.owner(peer).ask("usage") for peer in cast.names}
    time.sleep(plan.idle_seconds)
    for peer, then in before.items():
        usage = cast.owner(peer).ask("usage")
        if usage["rss_bytes"]:
            used = usage["cpu_seconds"] - then["cpu_seconds"]
            cast.add(Key("idle_rss", peer, 0, unit="bytes"), [usage["rss_bytes"]])
            cast.add(Key("idle_cpu", peer, 0, unit="%"), [100 * used / plan.idle_seconds])
