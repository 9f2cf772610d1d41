"""Buffers without a name of their user's: they end with their Buffer, or with their session.

Whoever puts a buffer without a name has nothing but the Buffer to find it by, so nobody could ever
delete it once that is gone. The daemon made a name up, and it is deleted when the Buffer that `put`
or `seal` returned ends: along with the next request of the session, or from the idle thread (see
`_forgotten`). Views keep the memory and not the name; holds (see `_handle`) keep
what is on its way to somebody.

A forked child has copies of the parent's Buffers, and its copy of the session was given up: what it
drops says nothing about the parent's.
"""

from collections.abc import Mapping
from typing import Any
from weakref import ReferenceType, finalize, ref

from sealbuf._buffer import Buffer
from sealbuf._connection import Connection


def end_with(buffer: Buffer, connection: Connection, published: Mapping[str, Any]) -> Buffer:
    """The same Buffer; when it is gone, the name goes that the session was told."""
    name, number = published["name"], published["buffer"]
    finalize(buffer, _forget, ref(connection), name, number).atexit = False
    return buffer


def _forget(session: ReferenceType[Connection], name: str, number: int) -> None:
    connection = session()
    if connection is not None:
        connection.forgotten.published(name, number)
