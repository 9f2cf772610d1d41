"""What becomes of the library in a forked child, and why it may be used there.

The child has a copy of everything: of open writers, whose writable mappings would hold up the
parent's seal; of sessions, which are the parent's; of descriptors that some thread of the parent
had just received; of locks that such a thread held. The steps below take care of each, in this
order. Mappings stay as they are: what is mapped can be read, and a range that were taken out
(MADV_DONTFORK) would be unmapped a second time by the object that owns it.

While a thread maps or unmaps a writer's memory a fork waits, so that a child never has a mapping of
which nothing is known. `_idle` looks after its thread by itself.

Nothing of the library is imported later than all of it: a child that is forked while another thread
imports a module waits for that thread, which it does not have, as soon as it needs the module too.
"""

import os

from sealbuf import _connection as connection
from sealbuf import _descriptor as descriptor
from sealbuf import _handle  # noqa: F401 - or the first pickle would import it
from sealbuf import _link as link
from sealbuf import _writer as writer


def _in_child() -> None:
    writer.undivided.release()
    writer.after_fork()
    link.after_fork()
    connection.after_fork()
    descriptor.after_fork()


def _in_parent() -> None:
    writer.undivided.release()
    writer.forked()


def be_ready() -> None:
    """From now on. Once a process, or what it does is done twice."""
    os.register_at_fork(
        before=writer.undivided.acquire,
        after_in_parent=_in_parent,
        after_in_child=_in_child,
    )
