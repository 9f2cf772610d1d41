"""Plasma's exceptions, each raised from the one of Sealbuf that says more."""

# The names are Plasma's.

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sealbuf._errors import AlreadyExists, NotFound, QuotaExceeded, StoreFull

if TYPE_CHECKING:  # pyarrow tells type checkers nothing

    class ArrowException(Exception): ...  # noqa: N818
else:
    from pyarrow.lib import ArrowException


class PlasmaObjectExists(ArrowException):
    """There is an object of that id, or somebody is creating it."""


class PlasmaObjectNotFound(ArrowException):
    """There is no object of that id."""


class PlasmaStoreFull(ArrowException):
    """There is no room, and nothing that could be evicted."""


@contextmanager
def as_plasma() -> Iterator[None]:
    try:
        yield
    except AlreadyExists as error:
        raise PlasmaObjectExists(str(error)) from error
    except NotFound as error:
        raise PlasmaObjectNotFound(str(error)) from error
    except (StoreFull, QuotaExceeded) as error:
        raise PlasmaStoreFull(str(error)) from error
