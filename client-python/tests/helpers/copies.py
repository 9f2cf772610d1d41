"""Forked copies of this process, under another uid, that run one function and say how it went."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from harness.uids import fork_as

PASSED, FAILED, SKIPPED = 0, 1, 2


def run(work: Callable[[], object], uid: int, groups: Sequence[int]) -> tuple[int, str]:
    """Runs `work` in a copy; its status, and its traceback or the reason why it was skipped."""
    reading, writing = os.pipe()

    def copy() -> int:
        os.close(reading)
        status, text = _judged(work)
        with os.fdopen(writing, "w", errors="replace") as pipe:
            pipe.write(text)
        return status

    pid = fork_as(uid, copy, groups=groups)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code < 0:
        return FAILED, f"the copy died: signal={signal.Signals(-code).name}\n{text}"
    return code, text


def _judged(work: Callable[[], object]) -> tuple[int, str]:
    unraisable: list[str] = []
    sys.unraisablehook = lambda args: unraisable.append(f"{args.exc_value!r} in {args.object!r}")
    try:
        work()
        gc.collect()
    except Exception:  # noqa: BLE001 - whatever it is, it is told in the other process
        return FAILED, traceback.format_exc()
    except BaseException as outcome:  # noqa: BLE001 - pytest's skip and fail are no Exceptions
        skipped = type(outcome).__name__ == "Skipped"
        return (SKIPPED, str(outcome)) if skipped else (FAILED, traceback.format_exc())
    return (FAILED, f"unraisable: {unraisable}") if unraisable else (PASSED, "")
