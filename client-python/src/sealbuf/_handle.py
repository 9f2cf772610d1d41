"""Buffers on their way to another process: a pickled Buffer is a handle, and copies nothing.

The handle names the daemon, the buffer's id and a *hold*, which was taken when it was made: the id
stays openable until its first opening or for HOLD_SECONDS, whatever becomes of the name. So a
sender may drop, delete or replace at once what it has sent. Copies of a handle open too while the
name is still that buffer's.

Whoever can choose what is unpickled can have anything called; that is pickle's nature, not ours.
`open_handle` itself only connects to the socket that the handle names and asks for a buffer, and a
handle that was tampered with is refused in words.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from sealbuf import _pool as pool
from sealbuf._buffer import Buffer
from sealbuf._errors import Closed, InvalidRequest, NotFound
from sealbuf._layout import Record
from sealbuf._limits import HOLD_SECONDS, SEQ_MAX
from sealbuf._link import Link
from sealbuf._names import name_bytes
from sealbuf._origin import Origin
from sealbuf._session import Session

Handle: TypeAlias = tuple[str, str, str, int, str, int]
_FIELDS = {"socket": str, "namespace": str, "daemon": str, "buffer": int, "name": str, "hold": int}


def reduced(record: Record, origin: Origin) -> tuple[Callable[..., Buffer], Handle]:
    """What pickle writes for a Buffer. Takes a hold."""
    name, buffer = record.name, record.buffer
    try:
        hold = _held(_link_of(origin), name, buffer, origin.daemon)
    except Closed:  # which another thread did meanwhile
        hold = _held(_pooled(origin), name, buffer, origin.daemon)
    return open_handle, (origin.socket, origin.namespace, origin.daemon, buffer, name, hold)


def _held(link: Link, name: str, buffer: int, daemon: str) -> int:
    """Takes a hold; its number."""
    deadline = link.deadline()

    def call(session: Session) -> int:
        session.check_daemon(daemon, name)
        try:
            return session.hold(name, buffer, deadline)
        except NotFound:
            raise NotFound(
                f"a buffer is sent by its name, which was deleted or replaced: name={name} "
                f"buffer={buffer}"
            ) from None

    return link.run(call, deadline, repeat=True)


def open_handle(*handle: Any) -> Buffer:
    """The Buffer of a handle; what unpickling one calls."""
    socket, namespace, daemon, buffer, name, hold = _checked(handle)
    link = pool.link_to(socket, namespace)
    deadline = link.deadline()

    def call(session: Session) -> Buffer:
        session.check_daemon(daemon, name)
        try:
            return session.open_held(name, buffer, hold, deadline)
        except NotFound:
            raise NotFound(
                f"the buffer's name was deleted or replaced, and its hold used up or older than "
                f"{HOLD_SECONDS} s: name={name} buffer={buffer}"
            ) from None

    return link.run(call, deadline, repeat=True)


def _link_of(origin: Origin) -> Link:
    """That of the store which the buffer came through, unless it was closed."""
    link = origin.link()
    if link is None or link.session is None:
        return _pooled(origin)
    return link


def _pooled(origin: Origin) -> Link:
    return pool.link_to(origin.socket, origin.namespace)


def _checked(handle: tuple[Any, ...]) -> Handle:
    if len(handle) != len(_FIELDS):
        raise InvalidRequest(
            f"a handle has other fields: fields={len(handle)} expected={len(_FIELDS)}"
        )
    for (field, kind), value in zip(_FIELDS.items(), handle, strict=True):
        if type(value) is not kind:
            raise InvalidRequest(
                f"a handle's field is of another type: field={field} type={type(value).__name__} "
                f"expected={kind.__name__}"
            )
        if isinstance(value, int) and not 1 <= value <= SEQ_MAX:
            raise InvalidRequest(
                f"a handle's number is out of bounds: field={field} value={value} min=1 "
                f"max={SEQ_MAX}"
            )
    socket, namespace, daemon, buffer, name, hold = handle
    name_bytes(name)
    return socket, namespace, daemon, buffer, name, hold
