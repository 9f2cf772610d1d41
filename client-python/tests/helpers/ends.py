"""Forked copies of this process, and how they end."""

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RAISED = 70


def forked(body: Callable[[], object]) -> int:
    """Starts a copy that runs `body`; its pid. No other thread runs: the library's own one stops
    for the fork, so Python has nothing to warn of."""
    pid = os.fork()
    if pid == 0:
        status = RAISED
        try:
            body()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may lead the copy out of here
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    return pid


def ends(body: Callable[[], object]) -> int:
    """The exit status of such a copy; below 0, the signal that ended it."""
    return ended(forked(body))


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def bare_copy() -> Iterator[None]:
    """A copy of this process that does nothing but be there, with its copies of all mappings.

    It comes from the C library's fork(3), so no handler of Python's runs in it, as in a program
    that is not all Python.
    """
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        signal.pause()
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
