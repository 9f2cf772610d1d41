"""The Python half of the exchange of typed buffers in `protocol/README.md`:
`(publish|verify) SOCKET TYPED`."""

# ruff: noqa: T201 - it is a program

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import sealbuf
from helpers.typed import Case, read, unpublished

BATCH = 500


def publish(store: sealbuf.Store, cases: Iterable[Case]) -> int:
    count, left = 0, iter(cases)
    while batch := {case.seed: unpublished(case.source) for case in islice(left, BATCH)}:
        count += len(store.put_many(batch))
    print(f"published {count}")
    return 0


def verify(store: sealbuf.Store, cases: list[Case]) -> int:
    differences = [line for case in cases for line in differing(store, case)]
    print("\n".join(differences), end="\n" if differences else "", file=sys.stderr)
    if differences:
        return 1
    print(f"verified {len(cases)}")
    return 0


def differing(store: sealbuf.Store, case: Case) -> Iterator[str]:
    try:
        buffer = store.get(case.seed)
    except sealbuf.Error as error:
        yield f"{case.seed}: {type(error).__name__}: {error}"
        return
    told = case.description
    compared = {
        "format": (buffer.format, told.format),
        "typestr": (buffer._description.typestr, told.typestr),
        "itemsize": (buffer.itemsize, told.itemsize),
        "shape": (buffer.shape, told.shape),
        "strides": (buffer.strides, told.strides),
        "nbytes": (buffer.nbytes, case.nbytes),
        "bytes": (bytes(buffer._view()) == case.content, True),
    }
    for what, (found, expected) in compared.items():
        if found != expected:
            yield f"{case.seed}: {what} is {found!r}, not {expected!r}"


def main(task: str, socket: str, typed: str) -> int:
    cases = list(read(Path(typed).read_text(encoding="utf-8")))
    with sealbuf.connect(socket, timeout=30) as store:
        return (publish if task == "publish" else verify)(store, cases)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
