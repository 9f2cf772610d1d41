"""A connection to the daemon as users see it: buffers by name.

What each verb means is said here. How a buffer is found is in `_catalog` and `_session`; what
happens when the daemon goes away in `_link`; waiting, batches, objects and events in `_side`,
`_once`, `_room`, `_batch`, `_objects` and `_watch`.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Literal, Self, SupportsIndex, TypeAlias

from sealbuf import _arrow as arrow
from sealbuf import _fork as fork
from sealbuf._batch import check_batch, put_many
from sealbuf._buffer import Buffer
from sealbuf._catalog import Answer
from sealbuf._deadline import Deadline
from sealbuf._dial import Dialer
from sealbuf._dtype import Shape, planned
from sealbuf._entry import Entry
from sealbuf._errors import Disconnected, InvalidName, InvalidRequest, NotFound
from sealbuf._holder import Holder
from sealbuf._limits import BATCH_MAX
from sealbuf._link import Link
from sealbuf._names import name_bytes, prefix_bytes, utf8
from sealbuf._objects import Pickled, unpickled
from sealbuf._once import get_or_create
from sealbuf._room import publish, put
from sealbuf._session import Session, in_dedicated, not_found
from sealbuf._source import Data, Source, metadata_of
from sealbuf._terms import Lifetime, Terms
from sealbuf._watch import Watch
from sealbuf._writer import Writer

Entries: TypeAlias = list[Entry]
Holders: TypeAlias = list[Holder]


class Store:
    """Buffers by name. Comes from `connect`; a context manager that closes it.

    Any number of threads may use it at once: gets of mapped buffers run beside each other, requests
    to the daemon take turns, and whoever waits for something keeps nobody else waiting. A forked
    child may go on using it, and connects anew for that. It pickles as its socket, namespace and
    timeout; whoever unpickles it connects at once, as `connect` does.

    When the daemon goes away, a Store connects to the next one by itself, within the deadline of
    the call that noticed. The names of the old daemon do not answer any more; Buffers and views
    stay as they are. A call that changes something and was under way is done again if another
    daemon answers; if the same one does, nobody can tell whether it was done, and it raises
    Disconnected.

    Every call raises Closed after `close`, NoDaemon when no daemon listens within the deadline,
    Timeout when it does not answer within it, and TypeError for arguments of the wrong type.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    @classmethod
    def _at(cls, path: str, namespace: str, timeout: float | None) -> Self:
        return cls(Link(path, Dialer(path, namespace, timeout), timeout, namespace))

    def put(
        self,
        data: Data,
        name: str | None = None,
        *,
        metadata: Data | None = None,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> Buffer:
        """Publishes a copy of `data`, any object with the buffer protocol, with its format, shape
        and order; NumPy arrays of datetime64 and timedelta64, which have no buffer; tables and
        record batches of pyarrow, as a stream for `get_arrow`.

        Without a name the store chooses one, and deletes it when the Buffer is gone or the store is
        closed, while views keep the memory. Up to 256 KiB it is one round trip; above, the bytes
        are copied straight into shared memory. What is neither in C nor in Fortran order is copied
        to C order first. `metadata`: up to 65535 bytes that travel beside it.

        `replace`: a buffer of that name makes place for this one in one step; whoever looks sees
        the old one or the new one. `ttl`: seconds after which the name goes as if deleted.
        `lifetime`: "session" has it go when this store is closed, its connection is lost or the
        process ends, `kill -9` included; else it stays. `timeout`: seconds to wait for room while
        the store is full; None and 0 do not wait.

        Raises AlreadyExists when the name is taken, StoreFull when there is no room, NotPermitted
        when the buffer to be replaced is somebody else's, InvalidName, InvalidRequest for items
        that mean nothing to other processes: Python objects, pointers.
        """
        terms = Terms.of(replace, ttl, lifetime)
        return put(self._link, Source.of(data, metadata), name, terms, timeout)

    def put_many(
        self,
        batch: Mapping[str, Data],
        *,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> dict[str, Buffer]:
        """Publishes several buffers by their names, at most 1024: all of them, or none.

        One round trip while each has at most 256 KiB and all together 1 MiB; above, they share one
        segment, which stays in memory as long as one of them does. Readers may see the names appear
        one after the other. Otherwise as `put`.
        """
        check_batch(batch)
        terms = Terms.of(replace, ttl, lifetime)
        sources = {name: Source.of(data) for name, data in batch.items()}
        if not sources:
            return {}
        return publish(
            self._link,
            lambda session, deadline: put_many(session, sources, terms, deadline),
            sum(source.nbytes for source in sources.values()),
            timeout,
        )

    def create(
        self,
        name: str | None = None,
        *,
        nbytes: SupportsIndex | None = None,
        shape: Shape | None = None,
        dtype: Any = None,
        order: Literal["C", "F"] = "C",
        metadata: Data | None = None,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> Writer:
        """Lends zeroed shared memory to be written in place and then sealed: `nbytes` bytes, or
        items of `dtype` in `shape`.

        `dtype` is a name such as "uint8", "float32" or "datetime64[ns]", or, with NumPy installed,
        anything that `numpy.dtype` accepts; `shape` a number of items or one for each axis;
        `order` "C" (the last axis is the nearest in memory) or "F" (the first). `metadata` is
        published with it.

        The name is taken from now on; with `replace` a buffer that has it is there until the seal.
        Without one the store chooses it, and deletes it when the Buffer that `seal` returns is gone
        (after a `with` block the writer keeps that). `ttl` counts from the seal; `lifetime` as in
        `put`.

        Raises AlreadyExists, StoreFull, QuotaExceeded when too many buffers are unfinished,
        NotPermitted, InvalidName, InvalidRequest for a size, shape or dtype that cannot be,
        TooManyMappings.
        """
        if name is not None:
            name_bytes(name)
        kind = planned(nbytes, shape, dtype, order)
        attached = metadata_of(metadata)
        terms = Terms.of(replace, ttl, lifetime)
        return publish(
            self._link,
            lambda session, deadline: session.create(name, kind, attached, terms, deadline),
            kind.nbytes,
            timeout,
        )

    def get(
        self, name: str, timeout: float | None = None, *, newer_than: int | None = None
    ) -> Buffer:
        """The buffer of that name; takes no system call when its memory is mapped already.

        `timeout`: seconds to wait for it to be published (`math.inf`: for ever); past that Timeout.
        None does not wait: NotFound (a KeyError) when there is none.

        `newer_than`: the `version` of a buffer that is known already; only one that was published
        later counts. Versions grow for as long as the daemon lives, and begin again with the next
        one. Whatever a new daemon has is newer: a wait that goes on across a restart knows that by
        itself, and so does a later call whose number is greater than any that the daemon has given.

        Raises TooManyMappings too.
        """
        session = self._link.session or self._link.current()
        if timeout is None and newer_than is None:
            try:
                found = session.catalog.find(utf8(name), None)
            except Disconnected:
                found = Answer.ASK
            if isinstance(found, tuple):
                _, slab, at, place = found
                segment, offset, nbytes = place
                if segment == 0:
                    return Buffer(slab.view[offset : offset + nbytes], slab.memory, at)
                mapping = session.dedicated.get(segment)
                if mapping is not None:
                    return Buffer(in_dedicated(mapping, place), slab.memory, at)
            elif found is Answer.ABSENT:
                raise not_found(name)
        return self._get(name, timeout, newer_than)

    def get_many(self, names: Iterable[str], timeout: float | None = None) -> dict[str, Buffer]:
        """The buffers of these names, by name, in that order.

        `timeout`: seconds to wait until all of them have been published; past that Timeout. None
        does not wait: NotFound for the first that is not there. Not a snapshot: a name that was
        found may be deleted or replaced while another one is waited for.
        """
        if timeout is None:
            return {name: self.get(name) for name in names}
        deadline = Deadline.of_waiting(timeout)
        return {name: self.get(name, deadline.wait_left) for name in names}

    def put_object(
        self,
        obj: Any,
        name: str | None = None,
        *,
        replace: bool = False,
        ttl: float | None = None,
        lifetime: Lifetime | None = None,
        timeout: float | None = None,
    ) -> Buffer:
        """Publishes any object that can be pickled, as one buffer: its pickle and, behind that, the
        memory of its arrays (and of all else that gives `pickle.PickleBuffer`s), copied once.
        Otherwise as `put`; what pickling raises goes on to the caller.
        """
        terms = Terms.of(replace, ttl, lifetime)
        return put(self._link, Pickled.of(obj), name, terms, timeout)

    def get_object(
        self, name: str, timeout: float | None = None, *, allow_pickle: bool = False
    ) -> Any:
        """The object that `put_object` published under that name; `timeout` as in `get`. Its arrays
        are read-only views of the shared pages, which they keep.

        Unpickling runs whatever the publisher chose: so an object of another uid than this
        process's is NotPermitted, unless `allow_pickle` says that all who may publish are trusted.
        InvalidRequest when the buffer is no object; what unpickling raises goes on to the caller.
        """
        buffer = self.get(name, timeout)
        return unpickled(buffer, self._link.current().uid, allow_pickle=allow_pickle)

    def get_arrow(
        self, name: str, timeout: float | None = None, *, newer_than: int | None = None
    ) -> arrow.Table:
        """The table in the buffer of that name, a stream or file of Arrow; needs pyarrow.

        Its columns lie in shared memory, and keep it. Waits as `get` does. Raises InvalidRequest
        for any other buffer. Call `validate(full=True)` on what you do not trust.
        """
        return arrow.table_of(self.get(name, timeout, newer_than=newer_than))

    def get_or_create(
        self,
        name: str,
        factory: Callable[[], Data],
        *,
        timeout: float | None = None,
    ) -> Buffer:
        """The buffer of that name, or of what `factory()` returns if nobody has published it.

        Among all threads and processes exactly one calls its factory; the others wait until the
        buffer is published. If the factory raises, its exception goes on to the caller, and the
        next who waits calls its own; so too when the process of the first one ends.

        `timeout`: seconds to wait for somebody else's factory (`math.inf`: for ever), without it
        the store's own; past that Timeout. One's own factory takes as long as it takes.

        Raises StoreFull and InvalidName.
        """
        name_bytes(name)
        deadline = self._link.deadline() if timeout is None else Deadline.of_waiting(timeout)
        with suppress(NotFound):
            return self.get(name)
        return get_or_create(self._link, name, lambda: Source.of(factory()), deadline)

    def take(self, name: str, timeout: float | None = None) -> Buffer:
        """Gets a buffer and deletes its name in one step: of all who take, exactly one gets it.

        `timeout`: seconds to wait for it to be published (`math.inf`: for ever); past that Timeout.
        None does not wait: NotFound when there is none.

        Raises NotPermitted unless this user published the buffer or runs the daemon. After Ctrl-C,
        or a Timeout because the daemon did not answer, the buffer may be taken or not.
        """
        name_bytes(name)
        deadline = self._link.deadline() if timeout is None else Deadline.of_waiting(timeout)
        take = Session.take if timeout is None else Session.await_and_take
        return self._link.run(lambda session: take(session, name, deadline), deadline, repeat=False)

    def __contains__(self, name: str) -> bool:
        """Whether a buffer of that name is published at this instant."""
        deadline = self._link.deadline()
        try:
            return self._link.run(
                lambda session: session.contains(name, deadline), deadline, repeat=True
            )
        except InvalidName:
            return False

    def delete(self, *names: str) -> None:
        """Takes names out of the store, one after the other; views and Buffers stay valid.

        Raises NotFound, or NotPermitted unless this user published the buffer or runs the daemon;
        names before the one that failed are deleted then.
        """
        for name in names:
            name_bytes(name)
        for at in range(0, len(names), BATCH_MAX):
            self._delete(names[at : at + BATCH_MAX], self._link.deadline())

    def list(
        self, prefix: str = "", *, limit: int | None = None, after: str | None = None
    ) -> Entries:
        """The buffers whose names begin with `prefix` and come after `after`, sorted by name.

        At most `limit` of them. A name that is published during the whole call is in it exactly
        once; one that comes, goes or is replaced meanwhile may be.
        """
        prefix_bytes(prefix)
        if limit is not None and limit < 0:
            raise InvalidRequest(f"limit is below 0: limit={limit}")
        deadline = self._link.deadline()
        entries = self._link.run(
            lambda session: [*session.entries(prefix, after, deadline)], deadline, repeat=True
        )
        return sorted(entries, key=lambda entry: entry.name)[:limit]

    def watch(self, prefix: str = "", *, replay: bool = False) -> Watch:
        """What becomes of names that begin with `prefix`, from now on: an iterator of events.

        `replay`: what is published already comes first, as `sealed` events in no particular order.
        A watcher that is slow, or whose daemon restarts, is told by an `overflow` event that it
        missed something; after a restart what there is is replayed again if it was asked for.
        """
        prefix_bytes(prefix)
        self._link.current()
        return Watch(self._link, prefix, replay=replay)

    def stats(self) -> dict[str, int | str]:
        """The daemon's figures: bytes, seconds and numbers. `protocol/PROTOCOL.md` names each."""
        deadline = self._link.deadline()
        return self._link.run(lambda session: session.stats(deadline), deadline, repeat=True)

    def holders(self, name: str | None = None) -> Holders:
        """Who was handed which segment, as far as the daemon knows; with `name`, only those that
        hold the bytes of that buffer. Raises NotFound then, if there is none."""
        if name is not None:
            name_bytes(name)
        deadline = self._link.deadline()
        return self._link.run(
            lambda session: session.holders(name, deadline), deadline, repeat=True
        )

    def ping(self) -> float:
        """Asks whether the daemon answers; the seconds that it took."""
        start, deadline = monotonic(), self._link.deadline()
        self._link.run(
            lambda session: session.connection.request("ping", b"", deadline), deadline, repeat=True
        )
        return monotonic() - start

    def close(self) -> None:
        """Ends the session. Buffers and views stay valid; unfinished writers are aborted, and
        whoever waits in another thread gets Closed."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        link = self._link
        link.current()
        return Store._at, (link.address, link.namespace, link.timeout)

    def __repr__(self) -> str:
        return f"<sealbuf.Store socket={self._link.path!r} {self._link.state}>"

    def _get(self, name: str, timeout: float | None, newer_than: int | None) -> Buffer:
        """The ways of `get` that may ask the daemon."""
        daemon = self._link.current().daemon
        deadline = self._link.deadline() if timeout is None else Deadline.of_waiting(timeout)

        def call(session: Session) -> Buffer:
            newer = newer_than if session.daemon == daemon else None
            get = session.get if timeout is None else session.await_buffer
            return get(name, newer, deadline)

        return self._link.run(call, deadline, repeat=True)

    def _delete(self, names: tuple[str, ...], deadline: Deadline) -> None:
        self._link.run(lambda session: session.delete(names, deadline), deadline, repeat=False)


fork.be_ready()
