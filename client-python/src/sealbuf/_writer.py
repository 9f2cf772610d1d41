r"""A buffer that is being written, in the very memory in which it will be read.

    OPEN ---seal---> READ_ONLY ---published---> SEALED
        \                |    \
         `----abort------'     `--- refused: READ_ONLY, to be sealed again or aborted
                 |
              ABORTED

Sealing goes in two steps. First the library lays a read-only mapping over the writable one, in
place: views that were taken before go on reading. Then it asks the daemon, which has the kernel
seal the segment; the kernel refuses (StillMapped) while anybody could still write: a forked copy, a
page in flight. Such a refusal changes nothing at the daemon, so `seal()` can be called again. But
this process cannot write any more: the descriptor for writing was closed as soon as it was mapped,
so that nothing else could be mapped through it and hold up the seal.

A forked child has a copy of the writable mapping, which would hold up the parent's seal. So the
first thing it does is to lay the read-only mapping over that copy too: what it inherited goes on
reading, and the writer itself stays the parent's.
"""

import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from operator import index
from time import monotonic
from types import TracebackType
from typing import Any, NoReturn, Self, SupportsIndex
from weakref import WeakSet, WeakValueDictionary

from sealbuf._buffer import Buffer, record_of
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._description import Description
from sealbuf._errors import (
    Closed,
    Disconnected,
    Error,
    InvalidRequest,
    ProtocolError,
    StillMapped,
    Timeout,
)
from sealbuf._memory import SEALED, Mapping, check_segment
from sealbuf._origin import Origin, OwnRecord
from sealbuf._reply import Reply
from sealbuf._spare import Sealing
from sealbuf._unnamed import end_with
from sealbuf._views import FORMAT, Shown, View, buffer_class


class State(Enum):
    OPEN = "open"
    READ_ONLY = "read-only"
    SEALED = "sealed"
    ABORTED = "aborted"
    INHERITED = "inherited"
    """The copy of a forked child."""


_UNFINISHED = frozenset({State.OPEN, State.READ_ONLY})
_FINISHED = frozenset({State.SEALED, State.ABORTED})

CHILD_SECONDS = 2.0
"""How long a forked child may take to lay its read-only mappings; the daemon itself tries for less
than a busy machine may keep a new process waiting."""

undivided = threading.RLock()
"""Held where a fork must not come in between, see `_fork`."""
_writers: "WeakSet[Writer]" = WeakSet()
_last_fork = -inf


@dataclass(frozen=True, slots=True)
class Lender:
    """The session that lent a writer its segment, which is the one that may seal it."""

    connection: Connection
    uid: int
    """Of this process, as the daemon sees it."""
    origin: Origin
    named: bool
    """By its user; otherwise the buffer ends with its Buffer."""
    dedicated: WeakValueDictionary[int, Mapping] = field(default_factory=WeakValueDictionary)
    """Published dedicated segments that some view keeps mapped, by number."""


def check_lent(lent: Reply, nbytes: int) -> None:
    """That it is what was asked for."""
    size = lent["segment_bytes"]
    if lent["nbytes"] != nbytes:
        raise ProtocolError(f"another length was lent: nbytes={lent['nbytes']} asked={nbytes}")
    if size < nbytes:
        raise ProtocolError(f"segment shorter than its buffer: bytes={size} nbytes={nbytes}")


@buffer_class
class Writer:
    """A buffer that is being written. Comes from `Store.create`; one thread at a time.

    Used as a context manager it is sealed at the end of the block, and aborted if the block raises.
    Views that are still alive at the seal stay readable, but their `readonly` flag cannot change: a
    write through one ends the process with SIGSEGV, which is the kernel's refusal. Keep none, or
    take `buffer.memoryview()` after the seal.
    """

    def __init__(
        self, lender: Lender, lent: Reply, description: Description, metadata: bytes = b""
    ) -> None:
        """Takes over the segment that the daemon lent, or gives it back when that fails."""
        self._description = description
        self._metadata = metadata
        self._state = State.ABORTED
        self._unanswered = False
        self._lender = lender
        self._buffer: int = lent["buffer"]
        self._segment: int = lent["segment"]
        self._name: str = lent["name"]
        self._nbytes = description.nbytes
        writing, self._reading = lent.descriptors
        try:
            with lender.connection.judging(), undivided, writing:
                check_lent(lent, self._nbytes)
                self._mapping = Mapping.lent(writing.fileno(), lent["segment_bytes"])
                self._state = State.OPEN
                _writers.add(self)
        except BaseException:
            self._reading.close()
            lender.connection.forget(self._buffer)
            raise

    @property
    def name(self) -> str:
        """The name it will be published under, and which is taken from now on."""
        return self._name

    @property
    def nbytes(self) -> int:
        """Length in bytes, as created."""
        return self._nbytes

    def memoryview(self) -> View:
        """The memory to write to, with the format and shape of `create`.

        Before Python 3.12 some formats and orders cannot be said (`>d`, structures, Fortran order):
        there it is flat bytes then. `numpy.asarray(writer)` has the right type on all.

        Raises Closed once sealed or aborted. After a seal that was refused it is read-only.
        """
        return Shown(self._flat(), self._description).view()

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int) -> View:
            if self._description.typestr and flags & FORMAT:
                raise BufferError(
                    f"no buffer format can say this type, use numpy.asarray: "
                    f"name={self._name} typestr={self._description.typestr}"
                )
            return self.memoryview()

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """For `numpy.asarray(writer)` where the buffer protocol does not do."""
        readonly = self._flat().readonly
        return self._description.interface(self._mapping.address, readonly=readonly)

    def seal(self, nbytes: SupportsIndex | None = None) -> Buffer:
        """Publishes what was written, or its first `nbytes` bytes, and makes it immutable.

        Of a buffer with a shape, fewer bytes are fewer items along the first axis.

        Raises StillMapped while somebody can still write to the segment: this process through a
        forked copy of it or through I/O in flight. Nothing is published then; the memory stays
        read-only, and `seal()` may be called again once that is over, or `abort()`. After a Timeout
        it may or may not have been published: sealing again then raises NotFound if it was.
        """
        self._check_unfinished()
        size = self._nbytes if nbytes is None else index(nbytes)
        if not 0 <= size <= self._nbytes:
            raise InvalidRequest(f"size out of bounds: nbytes={size} min=0 max={self._nbytes}")
        fewer = {} if size == self._nbytes else {"nbytes": size}
        return self._sealed(self._description.first(size), Sealing("seal", b"", fewer), None)

    def _seal(self, sealing: Sealing, deadline: Deadline) -> Buffer:
        """The same for all of it, by that request and within a deadline of the caller's."""
        return self._sealed(self._description, sealing, deadline)

    def _sealed(self, sealed: Description, sealing: Sealing, deadline: Deadline | None) -> Buffer:
        size = sealed.nbytes
        published = self._publish(sealing.op, sealing.payload, deadline, **sealing.fields)
        place = (self._segment, 0, size)
        lender = self._lender
        record = record_of(published.head, place, lender.uid, sealed, self._metadata)
        own = OwnRecord.of(lender.origin, record)
        buffer = Buffer(self._mapping.view()[:size].toreadonly(), own, 0)
        return buffer if lender.named else end_with(buffer, lender.connection, published.head)

    def abort(self) -> None:
        """Gives the memory and the name back. Views that are still alive show private memory."""
        if self._state is State.ABORTED:
            return
        self._check_unfinished()
        with undivided:
            self._state = State.ABORTED
            self._mapping.abandon()
            self._reading.close()
        if self._unanswered:  # nor would the daemon answer to this
            self._lender.connection.forget(self._buffer)
            return
        try:
            self._lender.connection.request("abort", buffer=self._buffer)
        except (Disconnected, Closed):
            pass  # the end of a session aborts what it left
        except BaseException:  # perhaps it was not even sent
            self._lender.connection.forget(self._buffer)
            raise

    def _abandon(self) -> None:
        """The same without waiting: the daemon is told by the next call, or by `_idle`."""
        self._unanswered = True
        with suppress(Error):
            self.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._state in _FINISHED:
            return
        if kind is None:
            # An unnamed buffer ends with its Buffer, and this writer is all that its user has.
            self._published = self.seal()
        else:
            with suppress(Error):  # the block's own exception says more
                self.abort()

    def __del__(self) -> None:
        if self._state in _UNFINISHED:
            self._lender.connection.forget(self._buffer)
            warnings.warn(f"writer was dropped: name={self._name}", ResourceWarning, stacklevel=2)

    def __reduce__(self) -> NoReturn:
        """Two Writers of one segment would each think that they may abort it."""
        raise TypeError(
            f"a writer cannot be copied or pickled; send the Buffer that seal returns: "
            f"name={self._name}"
        )

    def __repr__(self) -> str:
        return f"<sealbuf.Writer {self._name!r} nbytes={self._nbytes} state={self._state.value}>"

    def _flat(self) -> View:
        """The bytes to write to."""
        self._check_unfinished()
        view = self._mapping.view()[: self._nbytes]
        return view if self._state is State.OPEN else view.toreadonly()

    def _seal_many(
        self, index: bytes, count: int, deadline: Deadline
    ) -> tuple[Reply, int, Mapping]:
        """Publishes a batch that was written here; the segment's number and its memory."""
        reply = self._publish("seal_many", index, deadline, count=count)
        return reply, self._segment, self._mapping

    def _publish(self, op: str, payload: bytes, deadline: Deadline | None, **fields: Any) -> Reply:
        """Makes the segment read-only here and asks the daemon to seal and publish it."""
        if self._state is State.OPEN:
            self._state = State.READ_ONLY
            self._lay_read_only()
        connection = self._lender.connection
        try:
            published = self._ask(op, payload, deadline, fields)
        except Timeout:
            self._unanswered = True
            raise
        with connection.judging():
            check_segment(self._reading.fileno(), self._mapping.nbytes, SEALED)
        self._state = State.SEALED
        self._reading.close()
        self._lender.dedicated[self._segment] = self._mapping
        return published

    def _ask(
        self, op: str, payload: bytes, deadline: Deadline | None, fields: dict[str, Any]
    ) -> Reply:
        """Again, while a child that was just forked may not have come to its first steps."""
        connection = self._lender.connection
        while True:
            try:
                return connection.request(op, payload, deadline, buffer=self._buffer, **fields)
            except StillMapped:
                late = deadline is not None and deadline.passed
                if late or monotonic() - _last_fork > CHILD_SECONDS:
                    raise
                if op == "seal_spare":  # it is a buffer like any other since it was refused
                    op, payload, fields = "seal", b"", {"spare": fields.get("spare")}

    def _lay_read_only(self) -> None:
        try:
            with undivided:
                self._mapping.seal_read_only(self._reading.fileno())
        except BaseException:  # what lies there now may not be the segment any more
            with suppress(Error):
                self.abort()
            raise

    def _after_fork(self) -> None:
        if self._state in _UNFINISHED:
            self._state = State.INHERITED
            with suppress(Error, OSError):  # then private memory lies there
                self._mapping.seal_read_only(self._reading.fileno())

    def _check_unfinished(self) -> None:
        if self._state is State.INHERITED:
            raise Closed(
                f"a writer stays with the process that created it, this is a forked child: "
                f"name={self._name}"
            )
        if self._state not in _UNFINISHED:
            raise Closed(f"writer is {self._state.value}: name={self._name}")


def forked() -> None:
    """In the parent."""
    global _last_fork  # noqa: PLW0603 - one a process
    _last_fork = monotonic()


def after_fork() -> None:
    """In a forked child: nobody can write through what it inherited."""
    global _last_fork  # noqa: PLW0603
    _last_fork = -inf
    for writer in list(_writers):
        writer._after_fork()
