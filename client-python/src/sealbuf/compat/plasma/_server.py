"""A store for one program."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from sealbuf._errors import InvalidRequest
from sealbuf._serve import started

START_SECONDS = 60.0
BESIDE_OBJECTS = 16 << 20
"""Bytes of the catalog and of slabs, which Plasma did not count."""


@contextmanager
def start_plasma_store(  # noqa: PLR0917 - as Plasma had it
    plasma_store_memory: int,
    use_valgrind: bool = False,
    use_profiler: bool = False,
    plasma_directory: str | None = None,  # noqa: ARG001 - the store's memory lies in no folder
    use_hugepages: bool = False,  # noqa: ARG001 - which it uses where there are any
    external_store: str | None = None,
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Starts a daemon with room for so many bytes of objects, as `sealbuf.serve`; yields the path
    of its socket and its process, which ends with it.

    `plasma_directory` and `use_hugepages` change nothing. InvalidRequest for `use_valgrind`,
    `use_profiler` and `external_store`, which there are not.
    """
    for option, given in (
        ("use_valgrind", use_valgrind),
        ("use_profiler", use_profiler),
        ("external_store", external_store),
    ):
        if given:
            raise InvalidRequest(f"this store has no such option: {option}={given}")
    with started(plasma_store_memory + BESIDE_OBJECTS, START_SECONDS) as served:
        yield served
