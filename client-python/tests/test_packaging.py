"""What the installed distribution promises to its users' tools."""

from importlib import metadata, resources


def test_types_are_published() -> None:
    assert resources.files("sealbuf").joinpath("py.typed").is_file()


def test_nothing_is_required_beyond_python_itself() -> None:
    required = [r for r in metadata.requires("sealbuf") or [] if "extra ==" not in r]
    assert required == []
