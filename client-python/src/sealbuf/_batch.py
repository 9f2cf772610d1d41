"""Many buffers at once: all of them are published, or none.

What is small travels in one frame, index first: one round trip. Larger batches share one segment,
into which this process writes them one behind the other: two round trips and one seal for all.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, TypeAlias

from sealbuf import _memory as memory
from sealbuf._buffer import Buffer, View, record_of
from sealbuf._deadline import Deadline
from sealbuf._errors import Disconnected, InvalidRequest
from sealbuf._layout import ALIGNMENT
from sealbuf._origin import OwnRecord
from sealbuf._protocol import BATCH_BYTES, BATCH_MAX, PUT_MAX, check_places, encode_rows
from sealbuf._session import Session, in_dedicated
from sealbuf._terms import Terms
from sealbuf._writer import Writer

Batch: TypeAlias = Mapping[str, View]


def check_count(count: int) -> None:
    if count > BATCH_MAX:
        raise InvalidRequest(f"too many buffers for one batch: count={count} max={BATCH_MAX}")


def put_many(session: Session, batch: Batch, terms: Terms, deadline: Deadline) -> dict[str, Buffer]:
    sizes = [view.nbytes for view in batch.values()]
    if max(sizes) <= PUT_MAX and sum(sizes) <= BATCH_BYTES:
        return _in_one_frame(session, batch, terms, deadline)
    try:
        return _in_one_segment(session, batch, terms, deadline)
    except Disconnected as error:
        error.sent = True  # if not the seal itself, then what made room for it
        raise


def _in_one_frame(
    session: Session, batch: Batch, terms: Terms, deadline: Deadline
) -> dict[str, Buffer]:
    index = encode_rows([(name, view.nbytes) for name, view in batch.items()])
    connection, count = session.connection, len(batch)
    payload = b"".join([index, *batch.values()])
    reply = connection.request(
        "put_many", payload, deadline, count=count, index_bytes=len(index), **terms.fields
    )
    with connection.judging():
        places = check_places(reply.payload, count)
    return {
        name: session.published(_told(reply.head, name, at), (0, 0, view.nbytes), *places[at])
        for at, (name, view) in enumerate(batch.items())
    }


def _in_one_segment(
    session: Session, batch: Batch, terms: Terms, deadline: Deadline
) -> dict[str, Buffer]:
    offsets, end = [], 0
    for view in batch.values():
        offsets.append(end)
        end += -(-view.nbytes // ALIGNMENT) * ALIGNMENT
    lent = session.connection.request(
        "create", b"", deadline, nbytes=end, batch=True, **terms.fields
    )
    with Writer(session.lender(session.connection, named=True), lent) as writer:
        return _filled(session, writer, batch, offsets, deadline)


def _filled(
    session: Session, writer: Writer, batch: Batch, offsets: list[int], deadline: Deadline
) -> dict[str, Buffer]:
    start, room = monotonic(), writer.memoryview()
    for offset, view in zip(offsets, batch.values(), strict=True):
        if view.nbytes:
            memory.copy(view, room[offset : offset + view.nbytes])
    deadline.extend(monotonic() - start)
    sizes = [view.nbytes for view in batch.values()]
    index = encode_rows(list(zip(batch, offsets, sizes, strict=True)))
    reply, segment, mapping = writer._seal_many(index, len(batch), deadline)
    with session.connection.judging():
        check_places(reply.payload, len(batch))
    found = {}
    for at, (name, offset, nbytes) in enumerate(zip(batch, offsets, sizes, strict=True)):
        place = (segment, offset, nbytes)
        record = OwnRecord.of(
            session.origin, record_of(_told(reply.head, name, at), place, session.uid)
        )
        found[name] = Buffer(in_dedicated(mapping, place), record, 0)
    return found


def _told(head: Mapping[str, Any], name: str, at: int) -> dict[str, Any]:
    """Of one buffer of the batch: ids and versions follow one another."""
    told = {key: head[key] + at for key in ("buffer", "version")}
    return {"name": name, "created": head["created"], **told}
