"""Whatever a Buffer was handed on as may be the last thing that a process has: Buffer, Store and
module are dropped, it is looked at, the process ends."""

from collections.abc import Callable
from importlib.util import find_spec

import pytest

from harness.daemon import Daemon
from helpers import child

pytestmark = pytest.mark.daemon

PATHS = {
    "memoryview": ("", "buffer.memoryview()"),
    "a part": ("", "buffer[1:]"),
    "numpy": ("import numpy", "numpy.asarray(buffer)"),
    "numpy over a part": ("import numpy", "numpy.asarray(buffer[1:])"),
    "DLPack, numpy": ("import numpy", "numpy.from_dlpack(buffer)"),
    "DLPack, nobody": ("", "buffer.__dlpack__(max_version=(1, 0))"),
    "DLPack, copied": ("import numpy", "numpy.from_dlpack(buffer, copy=True)"),
    "get_arrow": (
        "import pyarrow",
        "table_of(store, buffer)",
    ),
    "pyarrow": ("import pyarrow", "pyarrow.py_buffer(buffer.memoryview())"),
}
"""How a buffer is handed on: an import, and an expression."""
if find_spec("torch"):  # in the environments of scripts/consumers
    PATHS["DLPack, torch"] = ("import torch", "torch.from_dlpack(buffer)")

HEAD = """
    import atexit, builtins, gc, pickle, sys, weakref
    import sealbuf
    {imported}

    path, nbytes = sys.argv[1], int(sys.argv[2])

    def look(view):
        if hasattr(view, "__getitem__"):
            last = view[-1]
            assert last == 7 or last.as_py() == 7, last

    def table_of(store, buffer):
        numbers = pyarrow.py_buffer(buffer.memoryview())
        column = pyarrow.Array.from_buffers(pyarrow.uint8(), nbytes, [None, numbers])
        put = store.put(pyarrow.table({"x": column}))
        return store.get_arrow(put.name)["x"]

    class Late:
        "Looks at what it has as late as an object can."
        def __init__(self, view, look=look):
            self.view, self.look = view, look
        def __del__(self):
            self.look(self.view)
"""
FORKED = """
    import os, warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # copies leave numpy's threads alone
    for left in range(int(sys.argv[3]), 0, -1):
        copy = os.fork()
        if copy == 0:
            break
        assert os.waitpid(copy, 0)[1] == 0, left
    else:
        sys.exit()
"""
CYCLE = """
    def cycle():
        import sealbuf
        store = sealbuf.connect(path)
        buffer = store.put(b"\\x07" * nbytes)
        view = {view}
        named = store.get(buffer.name)
        other = [(lambda buffer: {view})(named)]
        store.close()
        del buffer, named, store, sealbuf
        gc.collect()
        look(view)
        return view, other
"""
END = """
    view, other = cycle()
    loop = [Late(other.pop())]
    loop.append(loop)
    builtins.kept = Late(view)
    sys.modules["kept"] = Late(view)
    atexit.register(look, view)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sealbuf"]:
        del sys.modules[name]
    del sealbuf
    gc.collect()
    look(view)
"""
MANY = """
    import threading
    for _ in range(int(sys.argv[3])):
        views = list(cycle())
        thread = threading.Thread(target=views.clear)
        thread.start()
        thread.join()
"""


def program(path: str, *parts: str) -> str:
    imported, view = PATHS[path]
    return "".join(parts).replace("{imported}", imported).replace("{view}", view)


@pytest.mark.shows(56)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("nbytes", [1000, 1 << 20], ids=["in a slab", "in its own segment"])
def test_a_process_may_end_with_it(
    daemon: Daemon, rounds: Callable[..., int], path: str, nbytes: int
) -> None:
    """Once from its first import on, then in copies of a process that has only imported."""
    assert child.output(program(path, HEAD, CYCLE, END), daemon.path, str(nbytes)) == ""
    code, count = program(path, HEAD, FORKED, CYCLE, END), rounds(1000, small=5)
    assert child.output(code, daemon.path, str(nbytes), str(count), seconds=3000) == ""


@pytest.mark.shows(56)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", PATHS)
def test_it_may_come_and_go(daemon: Daemon, rounds: Callable[..., int], path: str) -> None:
    code = program(path, HEAD, CYCLE, MANY)
    count = rounds(1000, small=30)
    assert child.output(code, daemon.path, str(1 << 20), str(count), seconds=500) == ""
