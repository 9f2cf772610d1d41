"""A connection to the daemon as users see it: buffers by name.

What is in the catalog and mapped is read without a system call (`_catalog`); everything else is one
request to the daemon (`_connection`), after which it is mapped. Segments are asked for once: slabs
are cached by the catalog reader, dedicated segments live exactly as long as some view of them.
"""

import os
import sys
from collections.abc import Iterator
from operator import index
from threading import TIMEOUT_MAX
from time import monotonic
from typing import TYPE_CHECKING, Self, SupportsIndex, TypeAlias
from weakref import WeakValueDictionary

from sealbuf import _memory as memory
from sealbuf._address import socket_path
from sealbuf._buffer import Buffer, View, record_of
from sealbuf._catalog import Answer, CatalogReader, Slab
from sealbuf._connection import Connection, Reply
from sealbuf._entry import Entry
from sealbuf._errors import Closed, Error, InvalidName, InvalidRequest, NotFound, ProtocolError
from sealbuf._layout import Place, check_payload, match_record
from sealbuf._memory import Mapping
from sealbuf._names import name_bytes, prefix_bytes, utf8
from sealbuf._protocol import LIST_MAX, PUT_MAX, SEQ_MAX, check_entries
from sealbuf._writer import Session, Writer

if TYPE_CHECKING:
    if sys.version_info >= (3, 12):
        from collections.abc import Buffer as BytesLike
    else:
        from typing_extensions import Buffer as BytesLike

Entries: TypeAlias = list[Entry]


def connect(
    socket: str | os.PathLike[str] | None = None,
    *,
    namespace: str = "default",
    timeout: float | None = 5.0,
) -> "Store":
    """Connects to the daemon.

    `socket` is the path of its socket; without it $SEALBUF_SOCKET, then
    $XDG_RUNTIME_DIR/sealbuf/sealbuf.sock, then /run/sealbuf/sealbuf.sock. `timeout` is the deadline
    of connecting and of every later call, in seconds; None waits for ever.

    Raises NoDaemon when nobody listens there, NotPermitted when this user may not connect,
    WrongVersion when the daemon speaks another version, Timeout when it does not answer.
    """
    if timeout is not None and not 0 < timeout <= TIMEOUT_MAX:
        raise InvalidRequest(f"timeout out of bounds: timeout={timeout} above=0 max={TIMEOUT_MAX}")
    connection = Connection.connect(socket_path(socket), timeout)
    try:
        with connection.hello(namespace) as welcome:
            return Store(connection, welcome)
    except BaseException:
        connection.close()
        raise


class Store:
    """Buffers by name, at one daemon. Comes from `connect`; a context manager that closes it.

    Any number of threads may use it at once: gets of mapped buffers run beside each other, requests
    to the daemon take turns. Every call raises Closed after `close`, Disconnected once the daemon
    is gone, Timeout when the daemon does not answer within the store's deadline, and TypeError for
    arguments of the wrong type.
    """

    def __init__(self, connection: Connection, welcome: Reply) -> None:
        self._connection = connection
        self._session = Session(connection, welcome["uid"])
        self._unseen: WeakValueDictionary[int, Buffer] = WeakValueDictionary()
        with connection.judging():
            header = Mapping.shared(welcome.descriptors[0].fileno(), welcome["catalog_bytes"])
            catalog = CatalogReader(welcome["catalog"], header, self._map_segment)
            if f"{catalog.daemon:016x}" != welcome["daemon"]:
                raise ProtocolError(
                    f"catalog of another daemon: daemon={catalog.daemon:016x} "
                    f"expected={welcome['daemon']}"
                )
        self._catalog: CatalogReader | None = catalog

    def put(self, data: "BytesLike | Buffer", name: str | None = None) -> Buffer:
        """Publishes a copy of the bytes of `data`, any object with the buffer protocol.

        Without a name the store chooses one. Up to 256 KiB it is one round trip; above, the bytes
        are copied straight into shared memory. Data that is not C-contiguous is copied once more.

        Raises AlreadyExists when the name is taken, StoreFull when there is no room, InvalidName.
        """
        view = contiguous(data)
        if name is not None:
            name_bytes(name)
        if view.nbytes > PUT_MAX:
            with self.create(name, nbytes=view.nbytes) as writer:
                memory.copy(view, writer.memoryview())
                return writer.seal()
        catalog = self._open_catalog()
        published = self._connection.request("put", payload=view, name=name)
        return self._buffer(catalog, published, view.nbytes)

    def create(self, name: str | None = None, *, nbytes: SupportsIndex) -> Writer:
        """Lends `nbytes` bytes of zeroed shared memory to be written in place and then sealed.

        The name is taken from now on. Without one the store chooses it. Raises AlreadyExists,
        StoreFull, QuotaExceeded when too many buffers are unfinished, InvalidName, InvalidRequest
        for a size that cannot be, TooManyMappings.
        """
        if name is not None:
            name_bytes(name)
        size = index(nbytes)
        if not 0 <= size <= SEQ_MAX:
            raise InvalidRequest(f"size out of bounds: nbytes={size} min=0 max={SEQ_MAX}")
        lent = self._connection.request("create", name=name, nbytes=size)
        return Writer(self._session, lent)

    def get(self, name: str) -> Buffer:
        """The buffer of that name; takes no system call when its memory is mapped already.

        Raises NotFound (a KeyError) when there is none, TooManyMappings.
        """
        catalog = self._catalog or self._open_catalog()
        found = catalog.find(utf8(name))
        if isinstance(found, tuple):
            number, slab, at, place = found
            segment, offset, nbytes = place
            if segment == 0:
                return Buffer(slab.view[offset : offset + nbytes], slab.memory, at)
            mapping = self._session.dedicated.get(segment)
            if mapping is not None:
                return Buffer(_payload(mapping, place), slab.memory, at)
            return self._ask(name, number)
        name_bytes(name)
        if found is Answer.ABSENT:
            raise NotFound(f"no such buffer: name={name}")
        return self._ask(name, None)

    def __contains__(self, name: str) -> bool:
        """Whether a buffer of that name is published at this instant."""
        try:
            found = self._open_catalog().find(utf8(name))
            if found is Answer.ASK:
                self._connection.request("open", name=name).close()
        except (NotFound, InvalidName):
            return False
        return found is not Answer.ABSENT

    def delete(self, *names: str) -> None:
        """Takes names out of the store, one after the other; views and Buffers stay valid.

        Raises NotFound, or NotPermitted unless this user published the buffer or runs the daemon;
        names before the one that failed are deleted then.
        """
        for name in names:
            name_bytes(name)
        for name in names:
            self._connection.request("delete", name=name)

    def list(
        self, prefix: str = "", *, limit: int | None = None, after: str | None = None
    ) -> Entries:
        """The buffers whose names begin with `prefix` and come after `after`, sorted by name.

        At most `limit` of them. A name that is published during the whole call is in it exactly
        once; one that comes or goes meanwhile may be.
        """
        prefix_bytes(prefix)
        if limit is not None and limit < 0:
            raise InvalidRequest(f"limit is below 0: limit={limit}")
        entries = [entry for entry in self._pages(prefix) if after is None or entry.name > after]
        return sorted(entries, key=lambda entry: entry.name)[:limit]

    def stats(self) -> dict[str, int | str]:
        """The daemon's figures: bytes, seconds and numbers. `protocol/PROTOCOL.md` names each."""
        stats: dict[str, int | str] = self._connection.request("stat")["stats"]
        return stats

    def ping(self) -> float:
        """Asks whether the daemon answers; the seconds that it took."""
        start = monotonic()
        self._connection.request("ping")
        return monotonic() - start

    def close(self) -> None:
        """Ends the session. Buffers and views stay valid; unfinished writers are aborted."""
        catalog, self._catalog = self._catalog, None
        if catalog is None:
            return
        try:
            for buffer in self._unseen.valuerefs() if catalog.alive else []:
                if (alive := buffer()) is not None:
                    alive.memoryview()
        except Error:
            pass  # what the daemon does not bring any more cannot be kept
        finally:
            self._connection.close()
            catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<sealbuf.Store socket={self._connection.peer!r} {self._connection.state}>"

    def _open_catalog(self) -> CatalogReader:
        if self._catalog is None:
            raise Closed(f"store is closed: socket={self._connection.peer}")
        return self._catalog

    def _buffer(self, catalog: CatalogReader, published: Reply, nbytes: int) -> Buffer:
        """The Buffer of a put. Its view is there at once if its slab is mapped already."""
        number, at, name = published["slab"], published["record"], published["name"].encode()

        def fetch() -> View:
            return _in_slab(catalog.slab(number), at, name)

        record = record_of(published.head, nbytes, self._session.uid, 0)
        if catalog.cached(number):
            return Buffer(fetch(), record, 0)
        buffer = Buffer(fetch, record, 0)
        self._unseen[published["version"]] = buffer
        return buffer

    def _map_segment(self, number: int) -> Mapping:
        connection = self._connection
        with connection.request("map", segment=number) as mapped, connection.judging():
            return Mapping.shared(mapped.descriptors[0].fileno(), mapped["segment_bytes"])

    def _ask(self, name: str, slab: int | None) -> Buffer:
        """Asks for what is not mapped, or what only the daemon knows."""
        connection = self._connection
        catalog = self._open_catalog()
        with connection.request("open", name=name, slab=slab) as opened, connection.judging():
            number, segment = opened["slab"], opened["segment"]
            brought = iter(opened.descriptors)
            expected = (number != slab) + (segment != 0)
            if len(opened.descriptors) != expected:
                raise ProtocolError(
                    f"reply with another number of descriptors: reply=opened "
                    f"descriptors={len(opened.descriptors)} expected={expected}"
                )
            if number == slab:
                found = catalog.slab(number)
            else:
                mapping = Mapping.shared(next(brought).fileno(), opened["slab_bytes"])
                found = catalog.keep(number, mapping)
            at = opened["record"]
            place = match_record(found.memory, at, name.encode())
            if place is None or place[0] != segment:
                raise ProtocolError(f"record of another buffer: name={name} segment={segment}")
            if segment == 0:
                return Buffer(_in_slab(found, at, name.encode()), found.memory, at)
            mapping = self._session.dedicated.get(segment) or Mapping.sealed(
                next(brought).fileno(), opened["segment_bytes"]
            )
            self._session.dedicated[segment] = mapping
            return Buffer(_payload(mapping, place), found.memory, at)

    def _pages(self, prefix: str) -> Iterator[Entry]:
        cursor = 0
        while True:
            page = self._connection.request("list", prefix=prefix, limit=LIST_MAX, cursor=cursor)
            with self._connection.judging():
                yield from map(Entry.of, check_entries(page.payload, page["count"]))
                if page["cursor"] == cursor != 0:
                    raise ProtocolError(f"listing does not go on: cursor={cursor}")
            cursor = page["cursor"]
            if cursor == 0:
                return


def contiguous(data: "BytesLike | Buffer") -> View:
    """A view of an object's bytes in one run; of a copy where they do not lie in one."""
    if isinstance(data, Buffer):
        return data.memoryview()
    view = memoryview(data)
    return view if view.c_contiguous else memoryview(view.tobytes())


def _payload(mapping: Mapping, place: Place) -> View:
    _, offset, nbytes = place
    check_payload(offset, nbytes, mapping.nbytes)
    return mapping.view()[offset : offset + nbytes].toreadonly()


def _in_slab(slab: Slab, at: int, name: bytes) -> View:
    place = match_record(slab.memory, at, name)
    if place is None or place[0] != 0:
        raise ProtocolError(f"record of another buffer: at={at} name={name.decode()}")
    _, offset, nbytes = place
    return slab.view[offset : offset + nbytes]
