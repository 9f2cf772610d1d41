"""What users may rely on: every public name, and how it is called. A change here is a decision."""

import inspect
from importlib import metadata

import pytest

import sealbuf
import sealbuf.aio

CLASSES = {
    sealbuf.Store: {
        "put": (
            "(data, name=None, *, metadata=None, "
            "replace=False, ttl=None, lifetime=None, timeout=None)"
        ),
        "put_many": "(batch, *, replace=False, ttl=None, lifetime=None, timeout=None)",
        "create": (
            "(name=None, *, nbytes=None, shape=None, dtype=None, order='C', metadata=None, "
            "replace=False, ttl=None, lifetime=None, timeout=None)"
        ),
        "get": "(name, timeout=None, *, newer_than=None)",
        "get_many": "(names, timeout=None)",
        "get_arrow": "(name, timeout=None, *, newer_than=None)",
        "get_or_create": "(name, factory, *, timeout=None)",
        "put_object": "(obj, name=None, *, replace=False, ttl=None, lifetime=None, timeout=None)",
        "get_object": "(name, timeout=None, *, allow_pickle=False)",
        "take": "(name, timeout=None)",
        "delete": "(*names)",
        "list": "(prefix='', *, limit=None, after=None)",
        "watch": "(prefix='', *, replay=False)",
        "stats": "()",
        "holders": "(name=None)",
        "ping": "()",
        "close": "()",
    },
    sealbuf.Writer: {
        "memoryview": "()",
        "seal": "(nbytes=None)",
        "abort": "()",
        "name": "property",
        "nbytes": "property",
    },
    sealbuf.Watch: {
        "ready": "()",
        "fileno": "()",
        "close": "()",
    },
    sealbuf.Buffer: {
        "memoryview": "()",
        "to_bytes": "()",
        "digest": "()",
        "name": "property",
        "version": "property",
        "owner": "property",
        "created": "property",
        "nbytes": "property",
        "format": "property",
        "itemsize": "property",
        "shape": "property",
        "strides": "property",
        "metadata": "property",
        "readonly": "property",
        "address": "property",
    },
}


def called(function: object) -> str:
    """How it is called, without types."""
    assert callable(function)
    signature = inspect.signature(function)
    empty = inspect.Parameter.empty
    parameters = [
        each.replace(annotation=empty)
        for each in signature.parameters.values()
        if each.name != "self"
    ]
    return str(inspect.Signature(parameters))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_class_has_these_members_and_no_others(kind: type) -> None:
    public = {name: member for name, member in vars(kind).items() if not name.startswith("_")}
    assert {
        name: "property" if isinstance(member, property) else called(member)
        for name, member in public.items()
    } == CLASSES[kind]
    assert all(inspect.getdoc(member) for member in public.values())


def test_a_buffer_has_what_bytes_and_memoryview_have() -> None:
    shared = set(dir(bytes)) - {"fromhex", "maketrans"} | {
        "c_contiguous", "cast", "contiguous", "f_contiguous", "ndim", "suboffsets", "tobytes",
        "tolist", "toreadonly",
    }  # fmt: skip
    public = {name for name in dir(sealbuf.Buffer) if not name.startswith("_")}
    assert public == {name for name in shared if not name.startswith("_")} | {
        *CLASSES[sealbuf.Buffer]
    }
    for name in public:
        assert inspect.getdoc(getattr(sealbuf.Buffer, name)), name


def test_the_module_has_these_names_and_no_others() -> None:
    assert called(sealbuf.connect) == "(socket=None, *, namespace='default', timeout=5.0)"
    assert called(sealbuf.serve) == "(capacity='1GiB', *, timeout=60.0)"
    errors = {
        "AlreadyExists", "Closed", "Disconnected", "Error", "InvalidName", "InvalidRequest",
        "NoDaemon", "NotFound", "NotPermitted", "ProtocolError", "QuotaExceeded", "StillMapped",
        "StoreFull", "Timeout", "TooManyMappings", "TryAgain", "WrongVersion",
    }  # fmt: skip
    others = {"Buffer", "Entry", "Event", "Holder", "Store", "Watch", "Writer", "connect",
              "serve", "__version__"}  # fmt: skip
    assert set(sealbuf.__all__) == errors | others
    parts = {"aio", "compat"}  # once they are imported
    assert {name for name in vars(sealbuf) if not name.startswith("_")} - parts == (
        errors | others - {"__version__"}
    )


def test_asyncio_has_the_same_verbs() -> None:
    verbs = {name for name in vars(sealbuf.Store) if not name.startswith("_")}
    assert {name for name in vars(sealbuf.aio.Store) if not name.startswith("_")} == verbs
    for verb in verbs:
        assert called(getattr(sealbuf.aio.Store, verb)) == called(getattr(sealbuf.Store, verb))
    assert called(sealbuf.aio.connect) == called(sealbuf.connect)
    for verb in CLASSES[sealbuf.Writer]:
        theirs, ours = getattr(sealbuf.aio.Writer, verb), getattr(sealbuf.Writer, verb)
        assert isinstance(theirs, property) or called(theirs) == called(ours)
    assert set(sealbuf.aio.__all__) == {"Store", "Watch", "Writer", "connect"}
    for kind in (sealbuf.aio.Store, sealbuf.aio.Watch, sealbuf.aio.Writer):
        assert all(inspect.getdoc(member) for name, member in vars(kind).items() if name[0] != "_")


def test_the_version_is_that_of_the_distribution() -> None:
    assert sealbuf.__version__ == metadata.version("sealbuf")
