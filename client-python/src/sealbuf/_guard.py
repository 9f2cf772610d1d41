"""Runs a daemon for a process, and ends it with that process: `GUARDED_PID FOLDER COMMAND...`.

A daemon of `serve` must not outlive the program that started it, kill -9 included. The kernel's
death signal would tie it to the *thread* that started it, and the end of a pipe is seen only when
the last forked child of that program has ended too. So this small process stands between them, with
a descriptor of the program itself (pidfd_open(2)) and one of the daemon, and waits for either to
end. It has one thread, so for its own end the death signal is right.

SIGTERM and the end of the program stop the daemon: SIGTERM, and SIGKILL when it has not ended after
a while. Then the folder goes.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

STOP_SECONDS = 8.0
"""A daemon that is asked to stop takes 4 s at most."""

_PR_SET_PDEATHSIG = 1


def _end_with_guard() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main(guarded: int, folder: str, command: list[str]) -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGTERM, lambda *_: None)
    program = os.pidfd_open(guarded)
    if os.getppid() != guarded:  # it ended before it could be watched
        return 1
    nothing = subprocess.DEVNULL
    daemon = subprocess.Popen(
        command,
        stdin=nothing,
        stdout=nothing,
        preexec_fn=_end_with_guard,  # noqa: PLW1509 - one thread
    )
    try:
        return _until_the_end(daemon, program, reading)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_the_end(daemon: "subprocess.Popen[bytes]", program: int, told: int) -> int:
    poller = select.poll()
    for each in (program, told, os.pidfd_open(daemon.pid)):
        poller.register(each, select.POLLIN)
    poller.poll()
    daemon.terminate()
    try:
        return daemon.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        return daemon.wait()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
