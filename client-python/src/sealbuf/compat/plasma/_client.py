"""Plasma's client: ids for names, pyarrow's buffers for views."""

import hashlib
import pickle
import socket
import struct
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, TypeAlias, TypeVar
from weakref import finalize

import pyarrow

import sealbuf
from sealbuf._entry import Entry
from sealbuf._errors import (
    Error,
    InvalidRequest,
    NotFound,
    NotPermitted,
    StoreFull,
    Timeout,
    TooManyMappings,
)
from sealbuf._objects import Pickled, parts_for
from sealbuf._room import needed, put
from sealbuf._terms import Terms
from sealbuf._views import View
from sealbuf.compat.plasma._errors import PlasmaObjectNotFound, as_plasma
from sealbuf.compat.plasma._ids import PREFIX, ObjectID, ObjectNotAvailable, id_of, name_of
from sealbuf.compat.plasma._notifications import Decoded, Notifications, decode
from sealbuf.compat.plasma._server import BESIDE_OBJECTS

T = TypeVar("T")
ArrowBuffer: TypeAlias = Any
"""pyarrow's, which tells type checkers nothing."""
Buffers: TypeAlias = list[ArrowBuffer]
Found: TypeAlias = list[sealbuf.Buffer | None]
Entries: TypeAlias = list[tuple[ObjectID, Entry]]

DIGEST_BYTES = 8
RETRIES, RETRY_SECONDS = 50, 0.1
"""How often and how fast `connect` tries, as Plasma did."""


@dataclass(frozen=True, slots=True)
class Creation:
    """An object that this client is writing."""

    writer: sealbuf.Writer
    metadata_bytes: int
    began: float


class PlasmaClient:
    """A connection to a store. Comes from `connect`."""

    def __init__(self, store: sealbuf.Store, store_socket_name: str) -> None:
        self.store_socket_name = store_socket_name
        self._store = store
        self._created: dict[ObjectID, Creation] = {}
        self._held: Counter[ObjectID] = Counter()
        self._notifications: Notifications | None = None

    def create(self, object_id: ObjectID, data_size: int, metadata: Any = b"") -> ArrowBuffer:
        """A buffer to be written to, until `seal` publishes it. Raises PlasmaObjectExists and
        PlasmaStoreFull."""
        name, attached = name_of(object_id), bytes(metadata)
        began = time.time()
        writer = self._with_room(
            data_size, lambda: self._store.create(name, nbytes=data_size, metadata=attached)
        )
        self._created[object_id] = Creation(writer, len(attached), began)
        return self._shown(object_id, writer.memoryview())

    def seal(self, object_id: ObjectID) -> None:
        """Publishes what was written to the buffer of `create`, which must not be written to any
        more."""
        creation = self._created.get(object_id)
        if creation is None:
            raise PlasmaObjectNotFound(f"this client creates no such object: {object_id!r}")
        self._with_room(0, creation.writer.seal)  # for its record
        del self._created[object_id]

    def create_and_seal(self, object_id: ObjectID, data: bytes, metadata: bytes = b"") -> None:
        """Publishes a copy of these bytes."""
        self.put_raw_buffer(data, object_id, metadata)

    def put_raw_buffer(
        self,
        value: Any,
        object_id: ObjectID | None = None,
        metadata: Any = b"",
        memcopy_threads: int = 6,  # noqa: ARG002 - one copies faster than memory takes
    ) -> ObjectID:
        """Publishes a copy of an object with the buffer protocol, as bytes."""
        key = object_id or ObjectID.from_random()
        name, attached = name_of(key), bytes(metadata)
        data = memoryview(pyarrow.py_buffer(value))
        self._with_room(data.nbytes, lambda: self._store.put(data, name, metadata=attached))
        return key

    def put(
        self,
        value: Any,
        object_id: ObjectID | None = None,
        memcopy_threads: int = 6,  # noqa: ARG002 - one copies faster than memory takes
        serialization_context: Any = None,
    ) -> ObjectID:
        """Publishes any object that can be pickled."""
        _warn_of(serialization_context)
        key = object_id or ObjectID.from_random()
        name, pickled, terms = name_of(key), Pickled.of(value), Terms()
        self._with_room(pickled.nbytes, lambda: put(self._store._link, pickled, name, terms, None))
        return key

    def get(
        self,
        object_ids: Sequence[ObjectID] | ObjectID,
        timeout_ms: int = -1,
        serialization_context: Any = None,
    ) -> Any:
        """The object that `put` published, or a list of them; the class ObjectNotAvailable in place
        of one that did not come in time. -1 waits for ever."""
        _warn_of(serialization_context)
        if isinstance(object_ids, ObjectID):
            return self.get([object_ids], timeout_ms)[0]
        buffers = self._await(object_ids, timeout_ms)
        return [
            ObjectNotAvailable if buffer is None else self._unpickled(object_id, buffer)
            for object_id, buffer in zip(object_ids, buffers, strict=True)
        ]

    def get_buffers(
        self, object_ids: Sequence[ObjectID], timeout_ms: int = -1, with_meta: bool = False
    ) -> Buffers:
        """A read-only buffer of each object, or None for one that did not come in time; with
        `with_meta` a pair of metadata and buffer. -1 waits for ever."""
        found = [
            (None, None)
            if buffer is None
            else (buffer.metadata, self._shown(object_id, memoryview(buffer._view())))
            for object_id, buffer in zip(
                object_ids, self._await(object_ids, timeout_ms), strict=True
            )
        ]
        return found if with_meta else [data for _, data in found]

    def get_metadata(self, object_ids: Sequence[ObjectID], timeout_ms: int = -1) -> Buffers:
        """A buffer of the metadata of each object, or None for one that did not come in time."""
        buffers = self._await(object_ids, timeout_ms)
        return [
            buffer if buffer is None else pyarrow.py_buffer(buffer.metadata) for buffer in buffers
        ]

    def contains(self, object_id: ObjectID) -> bool:
        """Whether an object of that id is sealed."""
        return name_of(object_id) in self._store

    def hash(self, object_id: ObjectID) -> bytes:
        """8 bytes of a digest of data and metadata."""
        with as_plasma():
            buffer = self._store.get(name_of(object_id))
        metadata = buffer.metadata
        digest = hashlib.blake2b(struct.pack("<Q", len(metadata)), digest_size=DIGEST_BYTES)
        digest.update(metadata)
        digest.update(buffer._view())
        return digest.digest()

    def list(self) -> dict[ObjectID, dict[str, Any]]:
        """What is in the store: sizes, time and state of each object by its id."""
        table = {
            object_id: self._info(
                object_id,
                entry.nbytes,
                self._metadata_bytes(entry.name),
                entry.created.timestamp(),
                "sealed",
            )
            for object_id, entry in self._entries()
        }
        for object_id, creation in self._created.items():
            table[object_id] = self._info(
                object_id,
                creation.writer.nbytes,
                creation.metadata_bytes,
                creation.began,
                "created",
            )
        return table

    def evict(self, num_bytes: int) -> int:
        """Deletes objects, the oldest first, until they were so many bytes; how many they were.

        Objects of which this client holds buffers, and those of other users, stay.
        """
        evicted = 0
        for object_id, entry in sorted(self._entries(), key=lambda row: row[1].version):
            if evicted >= num_bytes:
                break
            if self._held[object_id] == 0:
                nbytes = entry.nbytes + self._metadata_bytes(entry.name)
                with suppress(NotFound, NotPermitted):
                    self._store.delete(entry.name)
                    evicted += nbytes
        return evicted

    def delete(self, object_ids: Sequence[ObjectID]) -> None:
        """Deletes those that there are; buffers of them stay valid."""
        for object_id in object_ids:
            with suppress(NotFound):
                self._store.delete(name_of(object_id))

    def subscribe(self) -> None:
        """From now on there are notifications: of what is in the store, and of all that comes and
        goes."""
        if self._notifications is None:
            self._notifications = Notifications(self._store)

    def get_notification_socket(self) -> socket.socket:
        """The socket that the notifications come from: the length of each, and its content for
        `decode_notifications`."""
        return self._subscribed().socket

    def decode_notifications(self, buf: bytes) -> Decoded:
        """Ids, data sizes and metadata sizes; both sizes are -1 for a deletion."""
        return decode(buf)

    def get_next_notification(self) -> tuple[ObjectID, int, int]:
        """Waits for the next notification: id, data size and metadata size, as above."""
        return self._subscribed().next()

    def store_capacity(self) -> int:
        """Bytes that objects may take. An object may take more of them than it has: see
        `help(plasma)`."""
        return max(0, int(self._store.stats()["capacity"]) - BESIDE_OBJECTS)

    def disconnect(self) -> None:
        """Ends the connection, and aborts what was not sealed. Buffers stay valid."""
        if self._notifications is not None:
            self._notifications.end()
        for creation in self._created.values():
            with suppress(Error):
                creation.writer.abort()
        self._created.clear()
        self._store.close()
        if self._notifications is not None:
            self._notifications.close()

    def __del__(self) -> None:
        with suppress(Exception):
            self.disconnect()

    def _with_room(self, nbytes: int, publish: Callable[[], T]) -> T:
        """Evicts what is oldest for as long as there is no room for so many bytes; at once as much
        as it takes, since each eviction lists all there is."""
        with as_plasma():
            while True:
                try:
                    return publish()
                except TooManyMappings:
                    raise
                except StoreFull:
                    if not self.evict(needed(nbytes)):
                        raise

    def _await(self, object_ids: Sequence[ObjectID], timeout_ms: int) -> Found:
        until = inf if timeout_ms < 0 else monotonic() + timeout_ms / 1000
        return [self._within(until, name_of(object_id)) for object_id in object_ids]

    def _within(self, until: float, name: str) -> sealbuf.Buffer | None:
        """None if it is not there by then. A Timeout of the look itself says that the daemon does
        not answer, and goes on to the caller."""
        left = until - monotonic()
        with suppress(NotFound):
            if left > 0:
                with suppress(Timeout):
                    return self._store.get(name, left)
            return self._store.get(name)
        return None

    def _shown(self, object_id: ObjectID, view: View) -> ArrowBuffer:
        """A buffer over that view, which nobody else has: so its end is that of all that was made
        of the buffer."""
        self._held[object_id] += 1
        finalize(view, _release, self._held, object_id).atexit = False
        return pyarrow.py_buffer(view)

    def _unpickled(self, object_id: ObjectID, buffer: sealbuf.Buffer) -> Any:
        uid = self._store._link.current().uid
        stream, *views = parts_for(uid, buffer, allow_pickle=False)
        return pickle.loads(stream, buffers=[self._shown(object_id, view) for view in views])

    def _entries(self) -> Entries:
        entries = ((id_of(entry.name), entry) for entry in self._store.list(PREFIX))
        return [(object_id, entry) for object_id, entry in entries if object_id is not None]

    def _metadata_bytes(self, name: str) -> int:
        try:
            return len(self._store.get(name).metadata)
        except NotFound:
            return 0  # it has just gone

    def _info(
        self, object_id: ObjectID, data: int, metadata: int, created: float, state: str
    ) -> dict[str, Any]:
        return {
            "data_size": data,
            "metadata_size": metadata,
            "ref_count": self._held[object_id],
            "create_time": int(created),
            "construct_duration": 0,
            "state": state,
        }

    def _subscribed(self) -> Notifications:
        if self._notifications is None:
            raise InvalidRequest("subscribe has not been called: notifications=none")
        return self._notifications


def connect(store_socket_name: str, num_retries: int = -1) -> PlasmaClient:
    """Connects to the store at that socket; tries `num_retries` times, -1: 50 times, in steps of a
    tenth of a second. An OSError when nobody answers."""
    retries = RETRIES if num_retries < 0 else num_retries
    while True:
        try:
            return PlasmaClient(sealbuf.connect(store_socket_name), store_socket_name)
        except sealbuf.NoDaemon:
            if retries <= 0:
                raise
        retries -= 1
        time.sleep(RETRY_SECONDS)


def _release(held: "Counter[ObjectID]", object_id: ObjectID) -> None:
    held[object_id] -= 1
    if held[object_id] <= 0:
        del held[object_id]


def _warn_of(serialization_context: Any) -> None:
    if serialization_context is not None:
        warnings.warn(
            "objects are pickled, which needs no serialization_context", FutureWarning, stacklevel=3
        )
