"""What every client does in the smoke suite, on the daemon at $SEALBUF_SOCKET, in Python.

`python smoke.py NAME` publishes under that name, reads it back and tries to change it.
"""

import sys

import sealbuf

name, outcome = sys.argv[1], "possible"
with sealbuf.connect() as store:
    store.put(b"hello", name)
    buffer = store.get(name)
    try:
        buffer.memoryview()[0] = 0
    except TypeError:
        outcome = "refused"
    sys.stdout.write(f"write: {outcome}\nread: {bytes(buffer).decode()}\n")
