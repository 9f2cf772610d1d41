"""docs/consumers.md, from what test_consumers saw on each version: `FOLDER`."""

import json
import runpy
import sys
from pathlib import Path

TREE = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
ABSENT = "not tried: no wheel"
HEAD = """# Who takes a Buffer as it is

Written by `scripts/consumers`, which hands a Buffer of 1 GiB to each of these, on each version of
Python; `make test` compares those that are installed. Before the semicolon stands how the consumer
gets at the bytes:

- **zero copy: address**: it sees them where they are;
- **zero copy: memory**: it does not say where, and private memory grows by less than 1 MiB;
- **copies**: private memory grows by more;
- **refuses**: it takes no such object, with the error that it raises.

Behind it, what becomes of a write through that consumer: *refused* by an exception; *kills the
writer* ends the process that writes, by the kernel (SIGSEGV) or by the library (SIGABRT); *a copy
changes* leaves the buffer alone; *reads only* has no way to write. In every case the buffer is the
same afterwards.

From Python 3.12 on the Buffer itself is passed to what takes bytes-like objects, on 3.11
`buffer.memoryview()`. What refuses takes `bytes(buffer)` or `buffer.decode()`, which copy. How each
is called stands in `client-python/tests/consumers/main.py`.

## Consumers
"""


def main(folder: Path) -> None:
    consumers = runpy.run_path(str(TREE / "client-python/tests/consumers/main.py"))["USES"]
    seen = [json.loads((folder / f"{version}.json").read_text()) for version in VERSIONS]
    print(HEAD)
    print(f"| consumer | {' | '.join(f'Python {version}' for version in VERSIONS)} |")
    print("|---|---|---|---|")
    for consumer in consumers:
        print(f"| {consumer} | {' | '.join(each.get(consumer, ABSENT) for each in seen)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
