"""Runs a command in which every system call but those named is the end of the process.

    confine.py 'read write ...' COMMAND...

A program of its own: it is the last step before the command, under the command's uid.
"""

import ctypes
import os
import sys

KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000


def main() -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
    ]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(KILL_PROCESS)
    for name in sys.argv[1].split():
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Negative: of another architecture, or newer than the library; nobody can make it then.
        if number >= 0 and library.seccomp_rule_add(context, ALLOW, number, 0) != 0:
            raise AssertionError(f"no rule: call={name}")
    if library.seccomp_load(context) != 0:
        raise AssertionError("the filter was refused")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
