"""The Python half of the exchange in `protocol/README.md`: `(publish|verify) SOCKET SCENARIOS`."""

# ruff: noqa: T201 - it is a program

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sealbuf


def content(seed: str, nbytes: int) -> bytes:
    blocks = (hashlib.sha256(f"{seed}:{i}".encode()).digest() for i in range(-(-nbytes // 32)))
    return b"".join(blocks)[:nbytes]


def publish(store: sealbuf.Store, scenarios: Iterable[dict[str, Any]]) -> None:
    kept = []  # what has no name ends with its Buffer
    for scenario in scenarios:
        data = content(scenario["seed"], scenario["nbytes"])
        if scenario["how"] == "put":
            buffer = store.put(data, scenario["name"])
        else:
            writer = store.create(scenario["name"], nbytes=scenario.get("created", len(data)))
            writer.memoryview()[: len(data)] = data
            buffer = writer.seal(len(data) if "created" in scenario else None)
        kept.append(buffer)
        print(f"{scenario['claim']}\t{buffer.name}", flush=True)
    sys.stdin.read()


def verify(store: sealbuf.Store, scenarios: list[dict[str, Any]]) -> int:
    differences = []
    for scenario, line in zip(scenarios, sys.stdin, strict=False):
        claim, name = line.rstrip("\n").split("\t")
        if claim != scenario["claim"]:
            raise ValueError(f"lines out of order: line={claim} expected={scenario['claim']}")
        differences += [f"{claim}: {each}" for each in differing(store, scenario, name)]
    print("\n".join(differences), end="\n" if differences else "", file=sys.stderr)
    if differences:
        return 1
    print(f"verified {len(scenarios)}")
    return 0


def differing(store: sealbuf.Store, scenario: dict[str, Any], name: str) -> list[str]:
    try:
        buffer = store.get(name)
    except sealbuf.Error as error:
        return [f"{type(error).__name__}: {error}"]
    entries = [entry for entry in store.list(name) if entry.name == name]
    info = (buffer.version, buffer.nbytes, buffer.format, buffer.shape, buffer.owner)
    listed = [(e.version, e.nbytes, e.format, e.shape, e.owner) for e in entries]
    compared = {
        "name": (buffer.name, scenario["name"] or name),
        "nbytes": (buffer.nbytes, scenario["nbytes"]),
        "format": (buffer.format, "B"),
        "bytes": (buffer == content(scenario["seed"], scenario["nbytes"]), True),
        "listed": (listed, [info]),
        "created": ([entry.created for entry in entries], [buffer.created]),
    }
    return [
        f"{what} is {found!r}, not {expected!r}"
        for what, (found, expected) in compared.items()
        if found != expected
    ]


def main(task: str, socket: str, scenarios: str) -> int:
    read = json.loads(Path(scenarios).read_text(encoding="utf-8"))
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    with sealbuf.connect(socket, timeout=30) as store:
        if task == "verify":
            return verify(store, read)
        publish(store, read)
        sys.stdin.read()
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
