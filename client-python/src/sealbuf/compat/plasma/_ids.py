"""Ids of objects, and the names under which they are in the store."""

import os
from typing import Any, Self

ID_BYTES = 20
PREFIX = "plasma/"


class ObjectID:
    """20 bytes that identify an object."""

    __slots__ = ("__weakref__", "_binary")

    def __init__(self, object_id: bytes) -> None:
        if not isinstance(object_id, bytes) or len(object_id) != ID_BYTES:
            raise ValueError(f"an object id is {ID_BYTES} bytes: object_id={object_id!r}")
        self._binary = object_id

    @classmethod
    def from_random(cls) -> Self:
        """A random one."""
        return cls(os.urandom(ID_BYTES))

    def binary(self) -> bytes:
        """Its bytes."""
        return self._binary

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectID) and self._binary == other._binary

    def __hash__(self) -> int:
        return hash(self._binary)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._binary,)

    def __repr__(self) -> str:
        return f"ObjectID({self._binary.hex()})"


class ObjectNotAvailable:
    """What `get` returns, the class itself, for an object that did not come in time."""


def name_of(object_id: ObjectID) -> str:
    if not isinstance(object_id, ObjectID):
        raise TypeError(f"an object is named by an ObjectID: type={type(object_id).__name__}")
    return PREFIX + object_id.binary().hex()


def id_of(name: str) -> ObjectID | None:
    """None for the name of something else that begins with the prefix."""
    try:
        return ObjectID(bytes.fromhex(name.removeprefix(PREFIX)))
    except ValueError:
        return None
