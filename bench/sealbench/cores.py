"""Which cores work: one for round trips, as a wake-up across cores costs more than the work."""

import os


def all_cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def measuring() -> list[int]:
    """The one on which peers and their servers share everything."""
    return all_cores()[:1]


def spare() -> list[int]:
    """Where the orchestrator waits; the measuring one on a machine of one core."""
    return all_cores()[-1:]
