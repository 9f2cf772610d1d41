"""Timing: samples of one thing done over and over, within a time."""

import time
from collections.abc import Callable

SAMPLES_MAX = 2000
SAMPLES_MIN = 2

now = time.perf_counter_ns
"""CLOCK_MONOTONIC on Linux: the same in all processes."""


def repeat(
    seconds: float, step: Callable[[int], int], *, least: int = SAMPLES_MIN, most: int = SAMPLES_MAX
) -> list[int]:
    """What `step` returns, numbered from 0, until the time is up or there are enough."""
    samples: list[int] = []
    end = now() + int(seconds * 1e9)
    while len(samples) < least or (len(samples) < most and now() < end):
        samples.append(step(len(samples)))
    return samples


def rest(nanoseconds: int) -> None:
    time.sleep(nanoseconds / 1e9)
