"""The Python half of the S3 example: NumPy arrays over what `S3Producer` published.

``python reader.py NAME ...``, a NAME being ``s3://BUCKET/KEY``. Waits for each, computes from every
byte of it, and says by how much this process's own memory (RssAnon) grew meanwhile: an array over
shared pages adds nothing to it, however large the object.
"""

import argparse
import hashlib
from pathlib import Path

import numpy

import sealbuf


def rss_anon() -> int:
    """KiB of memory that is this process's alone."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise SystemExit("the kernel does not tell RssAnon")


def main() -> None:
    parser = argparse.ArgumentParser(description="Computes from objects that S3Producer publishes.")
    parser.add_argument("names", nargs="+", metavar="s3://BUCKET/KEY")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for each")
    options = parser.parse_args()
    with sealbuf.connect() as store:
        for name in options.names:
            before = rss_anon()
            array = numpy.asarray(store.get(name, timeout=options.timeout))
            mean = array.mean() if array.size else 0.0
            digest = hashlib.sha256(array.data).hexdigest()
            grown = rss_anon() - before
            print(
                f"{name} bytes={array.nbytes} mean={mean:.3f} sha256={digest} rss_anon=+{grown}KiB"
            )


if __name__ == "__main__":
    main()
