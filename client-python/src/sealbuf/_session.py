"""One session with one daemon: what is asked of it, and what of its memory is mapped here.

What is in the catalog and mapped is read without a system call (`_catalog`); everything else is one
request, after which it is mapped. Segments are asked for once: slabs are cached by the catalog
reader, dedicated segments live exactly as long as some view of them.

Nothing here tries twice. A session that is gone says Disconnected, and `_link` makes the next one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary, ref

from sealbuf import _idle as idle
from sealbuf._buffer import Buffer, record_of
from sealbuf._catalog import ANY_EPOCH, Answer, CatalogReader, Slab
from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._description import Description
from sealbuf._entry import Entry
from sealbuf._errors import Disconnected, NotFound, ProtocolError
from sealbuf._holder import Holder
from sealbuf._large import put_in_segment
from sealbuf._layout import Place, check_payload, match_record, read_record
from sealbuf._limits import LIST_MAX, PUT_MAX
from sealbuf._memory import Mapping
from sealbuf._names import name_bytes, utf8
from sealbuf._origin import Origin, OwnRecord
from sealbuf._protocol import check_entries, check_holders, encode_rows
from sealbuf._reply import Reply
from sealbuf._side import parked
from sealbuf._source import Content
from sealbuf._terms import Terms
from sealbuf._unnamed import end_with
from sealbuf._views import View
from sealbuf._writer import Lender, Writer

if TYPE_CHECKING:
    from sealbuf._link import Link

Rows: TypeAlias = list[dict[str, Any]]
Fields: TypeAlias = dict[str, Any]


class Session:
    """See above. Any number of threads may use it; requests take turns."""

    def __init__(self, connection: Connection, welcome: Reply, link: "Link") -> None:
        self.connection = connection
        self.uid: int = welcome["uid"]
        self.daemon: str = welcome["daemon"]
        self.dedicated: WeakValueDictionary[int, Mapping] = WeakValueDictionary()
        """Published dedicated segments that some view keeps mapped, by number."""
        self._link = link
        self.origin = Origin(self.daemon, link.address, link.namespace, ref(link))
        with connection.judging():
            header = Mapping.shared(welcome.descriptors[0].fileno(), welcome["catalog_bytes"])
            self.catalog = CatalogReader(welcome["catalog"], header, self._map_segment)
            if f"{self.catalog.daemon:016x}" != self.daemon:
                raise ProtocolError(
                    f"catalog of another daemon: daemon={self.catalog.daemon:016x} "
                    f"expected={self.daemon}"
                )

    @property
    def usable(self) -> bool:
        return self.connection.state == "open" and self.catalog.alive

    def put(self, source: Content, name: str | None, terms: Terms, deadline: Deadline) -> Buffer:
        return self.put_over(self.connection, source, name, terms, deadline)

    def put_over(
        self,
        connection: Connection,
        source: Content,
        name: str | None,
        terms: Terms,
        deadline: Deadline,
    ) -> Buffer:
        """Publishes over that session, which has the reservation of the name if there is one."""
        fields: Fields = {"name": name, **terms.fields}
        if source.nbytes > PUT_MAX:
            return self._put_in_segment(connection, source, fields, deadline)
        fields |= source.description.fields
        payload = source.flat
        if metadata := source.metadata:
            payload = memoryview(metadata + payload)
            fields["metadata_bytes"] = len(metadata)
        published = connection.request("put", payload, deadline, **fields)
        told = published.head
        buffer = self.published(told, source, told["slab"], told["record"])
        return buffer if name else end_with(buffer, connection, told)

    def create(
        self,
        name: str | None,
        kind: Description,
        metadata: bytes,
        terms: Terms,
        deadline: Deadline,
    ) -> Writer:
        fields = {"name": name, **terms.fields}
        return self._lend(self.connection, kind, metadata, fields, deadline)

    def _put_in_segment(
        self, connection: Connection, source: Content, fields: Fields, deadline: Deadline
    ) -> Buffer:
        lender = self.lender(connection, named=fields["name"] is not None)
        return put_in_segment(lender, source, fields, deadline)

    def _lend(
        self,
        connection: Connection,
        kind: Description,
        metadata: bytes,
        fields: Fields,
        deadline: Deadline,
    ) -> Writer:
        lent = connection.request(
            "create", metadata, deadline, nbytes=kind.nbytes, **fields, **kind.fields
        )
        lender = self.lender(connection, named=fields["name"] is not None)
        return Writer(lender, lent, kind, metadata)

    def get(self, name: str, newer: int | None, deadline: Deadline) -> Buffer:
        """The buffer of that name, if its version is greater; NotFound."""
        found, newer = self.look(name, newer, deadline)
        if isinstance(found, Buffer):
            return found
        if found is Answer.ABSENT:
            raise not_found(name, newer)
        return self._open(name, found, newer, deadline)

    def await_buffer(self, name: str, newer: int | None, deadline: Deadline) -> Buffer:
        """The same, waiting for it to be published."""
        found, newer = self.look(name, newer, deadline)
        if isinstance(found, Buffer):
            return found
        if found is not Answer.ABSENT:
            with suppress(NotFound):
                return self._open(name, found, newer, deadline)
        with self._link.sides.borrowed(self.daemon, deadline) as side:
            while True:
                epoch, slab = self.catalog.epoch, self.catalog.newest
                opened = parked(side, "open", deadline, name=name, newer=newer, slab=slab)
                with suppress(NotFound):  # that slab was retired since, so the name is another's
                    return self.opened(side, opened, name, epoch, deadline, slab=slab)

    def take(self, name: str, deadline: Deadline) -> Buffer:
        epoch = self.catalog.epoch
        taken = self.connection.request("take", b"", deadline, name=name)
        return self.opened(self.connection, taken, name, epoch, deadline)

    def await_and_take(self, name: str, deadline: Deadline) -> Buffer:
        with self._link.sides.borrowed(self.daemon, deadline) as side:
            epoch = self.catalog.epoch
            taken = parked(side, "take", deadline, name=name)
            return self.opened(side, taken, name, epoch, deadline)

    def await_room(self, nbytes: int, deadline: Deadline) -> None:
        with self._link.sides.borrowed(self.daemon, deadline) as side:
            parked(side, "await_room", deadline, nbytes=nbytes)

    def hold(self, name: str, buffer: int, deadline: Deadline) -> int:
        """Keeps a buffer openable by its id; the number that opens it."""
        held = self.connection.request("hold", b"", deadline, name=name, buffer=buffer)
        return int(held["hold"])

    def open_held(self, name: str, buffer: int, hold: int, deadline: Deadline) -> Buffer:
        connection = self.connection
        opened = connection.request("open_held", b"", deadline, name=name, buffer=buffer, hold=hold)
        return self.opened(connection, opened, name, ANY_EPOCH, deadline)  # retired long ago, maybe

    def check_daemon(self, daemon: str, name: str) -> None:
        """NotFound if that daemon is not the one that answers here."""
        if self.daemon == daemon:
            return
        if not self.usable:
            lost = Disconnected(f"the daemon is gone: daemon={self.daemon}")
            lost.sent = False
            raise lost
        raise NotFound(
            f"the buffer went with its daemon, another one answers: name={name} daemon={daemon} "
            f"now={self.daemon}"
        )

    def contains(self, name: str, deadline: Deadline) -> bool:
        found = self.catalog.find(utf8(name), deadline)
        if found is not Answer.ASK:
            return found is not Answer.ABSENT
        try:
            self.connection.request("open", b"", deadline, name=name).close()
        except NotFound:
            return False
        return True

    def delete(self, names: Sequence[str], deadline: Deadline) -> None:
        """Deletes at most BATCH_MAX names in one step, one without a list around it."""
        if len(names) == 1:
            self.connection.request("delete", b"", deadline, name=names[0])
        else:
            payload = encode_rows(names)
            self.connection.request("delete_many", payload, deadline, count=len(names))

    def entries(self, prefix: str, after: str | None, deadline: Deadline) -> Iterator[Entry]:
        """All buffers whose names begin so and come after that one. The daemon may have moved some
        between two pages, and tells of them twice then."""
        seen: set[int] = set()
        pages = self._pages("list", check_entries, deadline, prefix=prefix, limit=LIST_MAX)
        for page in pages:
            for entry in page:
                if entry["buffer"] not in seen and (after is None or entry["name"] > after):
                    seen.add(entry["buffer"])
                    yield Entry.of(entry)

    def stats(self, deadline: Deadline) -> dict[str, Any]:
        stats: dict[str, Any] = self.connection.request("stat", b"", deadline)["stats"]
        return stats

    def holders(self, name: str | None, deadline: Deadline) -> list[Holder]:
        pages = self._pages("holders", check_holders, deadline, name=name)
        return [Holder.of(row) for page in pages for row in page]

    def in_slab(self, number: int, at: int, name: bytes, deadline: Deadline) -> View:
        return self._payload_at(self.catalog.slab(number, deadline), at, name)

    def _payload_at(self, slab: Slab, at: int, name: bytes) -> View:
        place = match_record(slab.memory, at, name)
        if place is None or place[0] != 0:
            raise ProtocolError(f"record of another buffer: at={at} name={name.decode()}")
        return _payload(slab, place)

    def opened(
        self,
        connection: Connection,
        reply: Reply,
        name: str,
        epoch: int,
        deadline: Deadline | None,
        *,
        slab: int | None = None,
    ) -> Buffer:
        """The buffer of an `opened` or `taken`, which brought what the request did not name.

        NotFound when the slab that it did name is not mapped any more, and has been retired (or,
        without a deadline, is not asked for)."""
        with reply, connection.judging():
            number, segment = reply["slab"], reply["segment"]
            brought = iter(reply.descriptors)
            expected = (number != slab) + (segment != 0)
            if len(reply.descriptors) != expected:
                raise ProtocolError(
                    f"reply with another number of descriptors: reply={reply.kind} "
                    f"descriptors={len(reply.descriptors)} expected={expected}"
                )
            if number == slab:
                found = self.catalog.slab(number, deadline)
            else:
                mapping = self._shared(next(brought).fileno(), reply["slab_bytes"])
                found = self.catalog.cached(number) or self.catalog.keep(number, mapping, epoch)
            at = reply["record"]
            place = match_record(found.memory, at, name.encode())
            if place is None or place[0] != segment:
                raise ProtocolError(f"record of another buffer: name={name} segment={segment}")
            if segment == 0:
                return Buffer(_payload(found, place), found.memory, at)
            mapping = self.dedicated.get(segment) or Mapping.sealed(
                next(brought).fileno(), reply["segment_bytes"]
            )
            self.dedicated[segment] = mapping
            return Buffer(in_dedicated(mapping, place), found.memory, at)

    def published(self, told: dict[str, Any], source: Content, slab: int, at: int) -> Buffer:
        """The Buffer of what this process published itself and told the daemon to keep in a slab.
        Its view is there at once if the slab is mapped already."""
        name, link = told["name"].encode(), self._link
        if mapped := self.catalog.cached(slab):
            return Buffer(self._payload_at(mapped, at, name), mapped.memory, at)
        look = partial(link.look, self.daemon, slab, at, name)
        place = (0, 0, source.nbytes)
        record = partial(
            _own_record, self.origin, told, place, self.uid, source.description, source.metadata
        )
        buffer = Buffer(look, record, 0)
        link.keep_unseen(self.daemon, told["version"], buffer)
        return buffer

    def end(self) -> None:
        """Another session has taken its place."""
        self._let_go()
        self.connection.end()

    def close(self) -> None:
        self._let_go()
        self.connection.close()

    def _let_go(self) -> None:
        idle.leave(self.catalog, self.connection)
        self.catalog.end()

    def lender(self, connection: Connection, *, named: bool) -> Lender:
        return Lender(connection, self.uid, self.origin, named, self.dedicated)

    def look(
        self, name: str, newer: int | None, deadline: Deadline
    ) -> tuple[Buffer | int | Answer, int | None]:
        """What there is without asking; and `newer`, unless it is the version of an older daemon,
        which is so if this one has not come so far yet."""
        found = self.find(name, newer, deadline)
        if newer is None or isinstance(found, Buffer):
            return found, newer
        page = self.connection.request("list", b"", deadline, prefix=name, limit=1, cursor=0)
        if newer <= page["until"]:
            return found, newer
        return self.find(name, None, deadline), None

    def find(
        self, name: str, newer: int | None, deadline: Deadline | None
    ) -> Buffer | int | Answer:
        """The buffer; or the slab of its record, if its own segment is not mapped; or why not.
        Without a deadline nobody is asked."""
        found = self.catalog.find(utf8(name), deadline)
        if isinstance(found, Answer):
            name_bytes(name)
            return found
        number, slab, at, place = found
        if newer is not None and read_record(slab.memory, at).version <= newer:
            return Answer.ABSENT
        if place[0] == 0:
            return Buffer(_payload(slab, place), slab.memory, at)
        mapping = self.dedicated.get(place[0])
        return number if mapping is None else Buffer(in_dedicated(mapping, place), slab.memory, at)

    def _open(
        self, name: str, found: int | Answer, newer: int | None, deadline: Deadline
    ) -> Buffer:
        """Asks for what is not mapped, or what only the daemon knows."""
        slab = found if isinstance(found, int) else None
        epoch = self.catalog.epoch
        opened = self.connection.request("open", b"", deadline, name=name, slab=slab, newer=newer)
        return self.opened(self.connection, opened, name, epoch, deadline, slab=slab)

    def _map_segment(self, number: int, deadline: Deadline) -> Mapping:
        connection = self.connection
        mapped = connection.request("map", b"", deadline, segment=number)
        with mapped, connection.judging():
            return self._shared(mapped.descriptors[0].fileno(), mapped["segment_bytes"])

    def _shared(self, fd: int, nbytes: int) -> Mapping:
        mapping = Mapping.shared(fd, nbytes)
        mapping.origin = self.origin
        return mapping

    def _pages(
        self, op: str, check: Callable[[bytes, int], Rows], deadline: Deadline, **fields: Any
    ) -> Iterator[Rows]:
        """Page after page, all of them as things were published when the first was asked for."""
        cursor = 0
        while True:
            page = self.connection.request(op, b"", deadline, cursor=cursor, **fields)
            with self.connection.judging():
                rows = check(page.payload, page["count"])
                if page["cursor"] == cursor != 0:
                    raise ProtocolError(f"listing does not go on: cursor={cursor}")
            yield rows
            cursor = page["cursor"]
            if cursor == 0:
                return
            if "until" in page.head:
                fields.setdefault("until", page["until"])


def _own_record(origin: Origin, *told: Any) -> OwnRecord:
    return OwnRecord.of(origin, record_of(*told))


def not_found(name: str, newer: int | None = None) -> NotFound:
    name_bytes(name)
    newer_than = "" if newer is None else f" newer_than={newer}"
    return NotFound(f"no such buffer: name={name}{newer_than}")


def in_dedicated(mapping: Mapping, place: Place) -> View:
    """The payload at that place of a dedicated segment."""
    _, offset, nbytes = place
    check_payload(offset, nbytes, mapping.nbytes)
    return mapping.view()[offset : offset + nbytes].toreadonly()


def _payload(slab: Slab, place: Place) -> View:
    _, offset, nbytes = place
    return slab.view[offset : offset + nbytes]
