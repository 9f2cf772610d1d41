"""`pyarrow.plasma` as it was in Arrow 11, over Sealbuf: `from sealbuf.compat import plasma`.

Needs pyarrow, any version: buffers are pyarrow's, and the exceptions are its `ArrowException`s. An
object is a buffer named `plasma/` and its id in hexadecimal, so programs that speak Sealbuf itself
find it too.

What is not as it was:

- A write to the buffer of `create` after `seal` is refused by the kernel: it ends the process.
- `put` and `get` are those of `put_object`: any object that can be pickled, of one's own user.
- Metadata have at most 65535 bytes.
- An object above 256 KiB takes pages of 2 MiB, and small ones for a rest below 1 MiB: so of
  `store_capacity` one of 1 MiB takes 2 MiB, and one of 300 KiB 300 KiB. Smaller objects share
  2 MiB.
- `evict`, which a `create` without room calls too, goes by the age of objects, not by their last
  use, and knows only of buffers that this client holds. Whoever holds a buffer keeps its memory; so
  `delete` need not wait for them.
- `list` knows unfinished objects and `ref_count` of this client only; `construct_duration` is 0.
"""

from pyarrow import Buffer as PlasmaBuffer

from sealbuf.compat.plasma._client import PlasmaClient, connect
from sealbuf.compat.plasma._errors import (
    PlasmaObjectExists,
    PlasmaObjectNotFound,
    PlasmaStoreFull,
)
from sealbuf.compat.plasma._ids import ObjectID, ObjectNotAvailable
from sealbuf.compat.plasma._server import start_plasma_store

__all__ = [
    "ObjectID",
    "ObjectNotAvailable",
    "PlasmaBuffer",
    "PlasmaClient",
    "PlasmaObjectExists",
    "PlasmaObjectNotFound",
    "PlasmaStoreFull",
    "connect",
    "start_plasma_store",
]
