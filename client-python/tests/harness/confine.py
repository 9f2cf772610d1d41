"""Runs a command in which every system call but those named is the end of the process, and a socket
that is no Unix socket is refused, as RestrictAddressFamilies=AF_UNIX does it.

    confine.py 'read write ...' COMMAND...

A program of its own: it is the last step before the command, under the command's uid.
"""

import ctypes
import errno
import os
import socket
import sys

KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EAFNOSUPPORT
NOT_EQUAL, EQUAL = 1, 4


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp"""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("unused", ctypes.c_uint64),
    )


def restrict_families(library: ctypes.CDLL, context: int) -> None:
    add = library.seccomp_rule_add_array
    add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
    number = library.seccomp_syscall_resolve_name(b"socket")
    for action, operator in ((ALLOW, EQUAL), (REFUSE, NOT_EQUAL)):
        family = Comparison(0, operator, socket.AF_UNIX, 0)
        if add(context, action, number, 1, ctypes.byref(family)) != 0:
            raise AssertionError("no rule: call=socket")


def main() -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_init.restype = ctypes.c_void_p
    add = library.seccomp_rule_add
    add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(KILL_PROCESS)
    for name in sys.argv[1].split():
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Negative: of another architecture, or newer than the library; nobody can make it then.
        if name != "socket" and number >= 0 and add(context, ALLOW, number, 0) != 0:
            raise AssertionError(f"no rule: call={name}")
    restrict_families(library, context)
    if library.seccomp_load(context) != 0:
        raise AssertionError("the filter was refused")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
