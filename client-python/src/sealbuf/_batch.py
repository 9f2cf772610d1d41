"""Many buffers at once: all of them are published, or none.

What is small travels in one frame, index first: one round trip. Larger batches share one segment,
into which this process writes them one behind the other: two round trips and one seal for all.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, TypeAlias

from sealbuf._buffer import Buffer, record_of
from sealbuf._deadline import Deadline
from sealbuf._description import Description
from sealbuf._errors import InvalidRequest, under_way
from sealbuf._layout import ALIGNMENT
from sealbuf._limits import BATCH_BYTES, BATCH_MAX, PUT_MAX
from sealbuf._names import name_bytes
from sealbuf._origin import OwnRecord
from sealbuf._protocol import check_places, encode_rows
from sealbuf._session import Session, in_dedicated
from sealbuf._source import Content
from sealbuf._terms import Terms
from sealbuf._writer import Writer

Batch: TypeAlias = Mapping[str, Content]


def check_batch(batch: Any) -> None:
    """That it is a batch, before anything is asked of what is in it."""
    if not isinstance(batch, Mapping):
        raise TypeError(f"a batch is a mapping of names to data: type={type(batch).__name__}")
    if len(batch) > BATCH_MAX:
        raise InvalidRequest(f"too many buffers for one batch: count={len(batch)} max={BATCH_MAX}")
    for name in batch:
        name_bytes(name)


def put_many(session: Session, batch: Batch, terms: Terms, deadline: Deadline) -> dict[str, Buffer]:
    sizes = [source.nbytes for source in batch.values()]
    if max(sizes) <= PUT_MAX and sum(sizes) <= BATCH_BYTES:
        return _in_one_frame(session, batch, terms, deadline)
    return _in_one_segment(session, batch, terms, deadline)


def _in_one_frame(
    session: Session, batch: Batch, terms: Terms, deadline: Deadline
) -> dict[str, Buffer]:
    index = encode_rows([(name, source.nbytes, *_fields(source)) for name, source in batch.items()])
    connection, count = session.connection, len(batch)
    payload = b"".join([index, *(source.flat for source in batch.values())])
    reply = connection.request(
        "put_many", payload, deadline, count=count, index_bytes=len(index), **terms.fields
    )
    with connection.judging():
        places = check_places(reply.payload, count)
    return {
        name: session.published(_told(reply.head, name, at), source, *places[at])
        for at, (name, source) in enumerate(batch.items())
    }


def _in_one_segment(
    session: Session, batch: Batch, terms: Terms, deadline: Deadline
) -> dict[str, Buffer]:
    offsets, end = [], 0
    for source in batch.values():
        offsets.append(end)
        end += -(-source.nbytes // ALIGNMENT) * ALIGNMENT
    lent = session.connection.request(
        "create", b"", deadline, nbytes=end, batch=True, **terms.fields
    )
    lender = session.lender(session.connection, named=True)
    with under_way(), Writer(lender, lent, Description.of_bytes(end)) as writer:
        return _filled(session, writer, batch, offsets, deadline)


def _filled(
    session: Session, writer: Writer, batch: Batch, offsets: list[int], deadline: Deadline
) -> dict[str, Buffer]:
    start, room = monotonic(), writer.memoryview()
    for offset, source in zip(offsets, batch.values(), strict=True):
        source.write(room[offset : offset + source.nbytes])
    deadline.extend(monotonic() - start)
    index = encode_rows(
        [
            (name, offset, source.nbytes, *_fields(source))
            for offset, (name, source) in zip(offsets, batch.items(), strict=True)
        ]
    )
    reply, segment, mapping = writer._seal_many(index, len(batch), deadline)
    with session.connection.judging():
        check_places(reply.payload, len(batch))
    found = {}
    for at, (name, source) in enumerate(batch.items()):
        place = (segment, offsets[at], source.nbytes)
        told = _told(reply.head, name, at)
        record = record_of(told, place, session.uid, source.description)
        own = OwnRecord.of(session.origin, record)
        found[name] = Buffer(in_dedicated(mapping, place), own, 0)
    return found


def _fields(source: Content) -> list[dict[str, Any]]:
    """What is behind the numbers in the index: a description, unless it is bytes."""
    fields = source.description.fields
    return [fields] if fields else []


def _told(head: Mapping[str, Any], name: str, at: int) -> dict[str, Any]:
    """Of one buffer of the batch: ids and versions follow one another."""
    told = {key: head[key] + at for key in ("buffer", "version")}
    return {"name": name, "created": head["created"], **told}
