"""What the installed distribution promises to its users' tools, and how it is loaded."""

from importlib import metadata, resources
from pathlib import Path

import sealbuf
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
