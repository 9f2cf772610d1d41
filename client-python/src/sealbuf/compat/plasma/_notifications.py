"""Plasma's notifications: messages on a socket, one for each object that came or went.

A thread reads the store's events and never stops reading, since the daemon drops what a watcher is
slow to read, and Plasma's subscribers may be slow: what the socket does not take waits in memory. A
loss, a daemon that restarts, or one that does not answer for a while is made good by looking at
what there is, as often as it takes.

    message   8 bytes: length of the content, native     content   n times: id, data, metadata
"""

import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

import sealbuf
from sealbuf._entry import Entry
from sealbuf._errors import Closed, Error, NotFound
from sealbuf._watch import Event
from sealbuf.compat.plasma._ids import ID_BYTES, PREFIX, ObjectID, id_of

Decoded: TypeAlias = tuple[list[ObjectID], list[int], list[int]]
LENGTH = struct.Struct("@L")
NOTE = struct.Struct(f"<{ID_BYTES}sqq")
"""Id, bytes of data, bytes of metadata."""
GONE = -1
"""In place of both sizes: the object was deleted."""
AGAIN_MILLIS = 100
"""Between two tries to find out what was missed, at the least."""


class Notifications:
    """Those of one client, from `subscribe` to `end`."""

    def __init__(self, store: sealbuf.Store) -> None:
        self._store = store
        self._watch = store.watch(PREFIX, replay=True)
        self._known: dict[str, tuple[int, datetime]] = {}
        self.socket, self._telling = socket.socketpair()
        self._telling.setblocking(False)
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="sealbuf-plasma", daemon=True)
        self._thread.start()

    def next(self) -> tuple[ObjectID, int, int]:
        """The next object that came or went, and its sizes; waits for it."""
        length = LENGTH.unpack(self._read(LENGTH.size))[0]
        ids, data_sizes, metadata_sizes = decode(self._read(length))
        return ids[0], data_sizes[0], metadata_sizes[0]

    def end(self) -> None:
        """Ends the thread, and who reads; when the store is closed too, at once."""
        if os.getpid() == self._pid:  # a forked child has copies: the parent's go on
            with suppress(OSError):  # closed by who asked for it
                self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Behind `end`."""
        if os.getpid() == self._pid:
            self._thread.join()
        self.socket.close()

    def _read(self, nbytes: int) -> bytes:
        read = self.socket.recv(nbytes, socket.MSG_WAITALL)
        if len(read) < nbytes:
            raise ConnectionError(f"no more notifications: read={len(read)} wanted={nbytes}")
        return read

    def _run(self) -> None:
        poller, backlog, missed = select.poll(), bytearray(), False
        with self._watch, self._telling:
            while True:
                poller.register(self._telling, select.POLLOUT if backlog else 0)
                # A watch without a session is readable all the time.
                poller.register(self._watch, 0 if missed else select.POLLIN)
                polled = dict(poller.poll(AGAIN_MILLIS if missed else None))
                if polled.get(self._telling.fileno(), 0) & select.POLLHUP:
                    return
                try:
                    for told in self._news(missed=missed):
                        backlog += told
                    missed = False
                except Closed:
                    return
                except Error:
                    missed = True  # the daemon is gone for longer, or does not answer
                self._send(backlog)

    def _send(self, backlog: bytearray) -> None:
        with suppress(BlockingIOError, BrokenPipeError):  # the poll tells when it goes on, or not
            del backlog[: self._telling.send(backlog)]

    def _news(self, *, missed: bool) -> Iterator[bytes]:
        if missed:
            yield from self._missed()
        for event in self._watch.ready():
            if event.kind == "sealed":
                yield self._came(event)
            elif event.kind == "deleted":
                yield self._went(event.name)
            else:
                yield from self._missed()

    def _missed(self) -> Iterator[bytes]:
        """What became of objects while nobody was told."""
        entries = {entry.name: entry for entry in self._store.list(PREFIX)}
        for name in self._known.keys() - entries.keys():
            yield self._went(name)
        for entry in entries.values():
            yield self._came(entry)

    def _came(self, told: Event | Entry) -> bytes:
        which = told.version, told.created  # the next daemon counts versions anew
        if self._known.get(told.name) == which:
            return b""
        try:
            metadata_bytes = len(self._store.get(told.name).metadata)
        except NotFound:
            metadata_bytes = 0  # it has just gone
        self._known[told.name] = which
        return message(told.name, told.nbytes, metadata_bytes)

    def _went(self, name: str) -> bytes:
        if self._known.pop(name, None) is None:
            return b""
        return message(name, GONE, GONE)


def message(name: str, data_bytes: int, metadata_bytes: int) -> bytes:
    """Nothing, if the name is not that of an object."""
    object_id = id_of(name)
    if object_id is None:
        return b""
    return LENGTH.pack(NOTE.size) + NOTE.pack(object_id.binary(), data_bytes, metadata_bytes)


def decode(content: bytes) -> Decoded:
    """The ids and both sizes in the content of a message."""
    notes = list(NOTE.iter_unpack(content))
    ids = [ObjectID(binary) for binary, _, _ in notes]
    return ids, [data for _, data, _ in notes], [metadata for _, _, metadata in notes]
