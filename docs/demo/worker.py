"""A worker of the demo: reads what the producer published and computes from the shared pages.

``python worker.py SOCKET NUMBER WORKERS OUT`` prints one JSON line when it has read everything,
waits for a line on standard input (so that all workers hold the pages at the same time), prints
what smaps says of them, and ends with its standard input.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy

import sealbuf

THUMBNAIL = 180


def thumbnail(pixels: numpy.ndarray) -> numpy.ndarray:
    """Every k-th pixel, so that the longer side is THUMBNAIL at most."""
    step = -(-max(pixels.shape[:2]) // THUMBNAIL)
    return numpy.ascontiguousarray(pixels[::step, ::step])


def look_at(store: sealbuf.Store, entry: dict[str, Any], out: Path) -> dict[str, Any]:
    """Histograms and means of one photograph; its thumbnail goes to a file for the sheet."""
    pixels = numpy.asarray(store.get(entry["name"])).reshape(entry["shape"])
    histograms = [numpy.bincount(pixels[..., c].ravel(), minlength=256).tolist() for c in range(3)]
    file = out / (entry["name"].replace("/", "-") + ".npy")
    numpy.save(file, thumbnail(pixels))
    return {
        "name": entry["name"],
        "shape": entry["shape"],
        "mean": [round(float(mean), 2) for mean in pixels.reshape(-1, 3).mean(axis=0)],
        "histograms": histograms,
        "thumbnail": str(file),
        "pid": os.getpid(),
    }


def smaps(address: int) -> dict[str, int]:
    """The figures (KiB) that the kernel gives for the mapping that begins at address."""
    figures: dict[str, int] = {}
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        field, _, rest = line.partition(" ")
        if "-" in field and not field.endswith(":"):
            low, high = (int(part, 16) for part in field.split("-"))
            inside = low <= address < high
        elif inside and rest.endswith("kB"):
            figures[field.rstrip(":")] = int(rest.split()[0])
    return figures


def main() -> None:
    socket, number, workers, out = (
        sys.argv[1],
        int(sys.argv[2]),
        int(sys.argv[3]),
        Path(sys.argv[4]),
    )
    with sealbuf.connect(socket) as store:
        index = json.loads(store.get("index").to_bytes())
        mine = [look_at(store, entry, out) for entry in index[number::workers]]
        large = store.get("large-file")
        start = time.perf_counter()
        digest = hashlib.sha256(large.memoryview()).hexdigest()
        seconds = time.perf_counter() - start
    # The store is closed; the view lives on.
    report = {"pid": os.getpid(), "photographs": mine, "sha256": digest, "nbytes": large.nbytes}
    print(json.dumps(report | {"sha256_seconds": seconds}), flush=True)
    sys.stdin.readline()
    print(json.dumps(smaps(large.address)), flush=True)
    sys.stdin.read()  # keeps its share of the pages until all workers have been asked


if __name__ == "__main__":
    main()
