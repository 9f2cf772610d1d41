"""What the installed distribution promises to its users' tools, and how it is loaded."""

from importlib import metadata, resources
from pathlib import Path

import sealbuf
from harness.daemon import Daemon
from helpers import child


def test_types_are_published() -> None:
    assert resources.files("sealbuf").joinpath("py.typed").is_file()


def test_nothing_is_required_beyond_python_itself() -> None:
    required = [r for r in metadata.requires("sealbuf") or [] if "extra ==" not in r]
    assert required == []


PROGRAMS = {"sealbuf._guard", "sealbuf._verify"}
"""Run by `serve` and by `sealbuf verify`, each in a process of its own."""
LOADED = """
    import sys
    import sealbuf
    print(*sorted(name for name in sys.modules if name.startswith("sealbuf.")))
"""


def test_all_of_it_is_loaded_at_once() -> None:
    """Or a child, forked while another thread loads a module, would wait for that one for ever."""
    modules = {f"sealbuf.{path.stem}" for path in Path(sealbuf.__file__).parent.glob("_[a-z]*.py")}
    assert set(child.output(LOADED).split()) | PROGRAMS == modules


WITHOUT = """
    import sys
    sys.modules["pyarrow"] = None
    import sealbuf
    store = sealbuf.connect(sys.argv[1])
    buffer = store.put(b"hello")
    try:
        store.get_arrow(buffer.name)
    except ImportError as error:
        print(error)
"""


def test_without_pyarrow_it_says_what_to_install(daemon: Daemon) -> None:
    told = child.output(WITHOUT, daemon.path)
    assert told == "tables need pyarrow: pip install 'sealbuf[arrow]'\n"
