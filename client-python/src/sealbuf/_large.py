"""A copy of data that is too large for a frame, made where readers will find it.

By pwrite(2) into a segment of up to one huge page: through a mapping the kernel would give such a
segment page by page, and be asked for each. Larger ones are filled through a mapping, in huge
pages: pwrite takes a third longer there. So is a segment whose content writes itself.

The segment comes from a create, or is a spare that came along with the publication before.
"""

from time import monotonic
from typing import Any

from sealbuf import _memory as memory
from sealbuf._buffer import Buffer, record_of
from sealbuf._deadline import Deadline
from sealbuf._errors import under_way
from sealbuf._memory import HUGE_PAGE, LENT_SEALS, SEALED, Mapping, check_segment
from sealbuf._origin import OwnRecord
from sealbuf._reply import Reply
from sealbuf._source import Content, Source
from sealbuf._spare import Sealing
from sealbuf._unnamed import end_with
from sealbuf._writer import Lender, Writer, check_lent


def put_in_segment(
    lender: Lender, source: Content, fields: dict[str, Any], deadline: Deadline
) -> Buffer:
    """Publishes under the name and on the terms in `fields`."""
    kind, connection = source.description, lender.connection
    nbytes = kind.nbytes
    asked = {"nbytes": nbytes, **fields, **kind.fields}
    reserved = asked.pop("buffer", None)
    lent = None if reserved else connection.spares.take(nbytes)
    if lent is not None:
        sealing = Sealing("seal_spare", source.metadata, asked)
    else:
        sealing = Sealing("seal", b"", {})
        lent = connection.request("create", source.metadata, deadline, buffer=reserved, **asked)
    try:
        if not reserved:
            sealing.fields["spare"] = connection.spares.wanted(nbytes)
        with under_way():
            return _published(lender, lent, sealing, source, deadline)
    except BaseException:
        connection.forget(lent["buffer"])
        raise


def _published(
    lender: Lender, lent: Reply, sealing: Sealing, source: Content, deadline: Deadline
) -> Buffer:
    if isinstance(source, Source) and lent["segment_bytes"] <= HUGE_PAGE:
        return _put_by_write(lender, lent, sealing, source, deadline)
    with Writer(lender, lent, source.description, source.metadata) as writer:
        start = monotonic()
        source.write(writer._flat())
        deadline.extend(monotonic() - start)
        return writer._seal(sealing, deadline)


def _put_by_write(
    lender: Lender, lent: Reply, sealing: Sealing, source: Source, deadline: Deadline
) -> Buffer:
    connection, number, size = lender.connection, lent["buffer"], lent["segment_bytes"]
    nbytes = source.flat.nbytes
    writing, reading = lent.descriptors
    op, payload, fields = sealing
    with connection.judging(), lent:
        check_lent(lent, nbytes)
        check_segment(writing.fileno(), size, LENT_SEALS)
        mapping = Mapping.to_read(reading.fileno(), size)
        start = monotonic()
        memory.write(writing.fileno(), source.flat)
        writing.close()
        deadline.extend(monotonic() - start)
        published = connection.request(op, payload, deadline, buffer=number, **fields)
        check_segment(reading.fileno(), size, SEALED)

    lender.dedicated[lent["segment"]] = mapping
    place = (lent["segment"], 0, nbytes)
    record = record_of(published.head, place, lender.uid, source.description, source.metadata)
    view = mapping.view()[:nbytes].toreadonly()
    buffer = Buffer(view, OwnRecord.of(lender.origin, record), 0)
    return buffer if lender.named else end_with(buffer, connection, published.head)
