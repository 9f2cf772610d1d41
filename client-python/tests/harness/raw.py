"""A client that sends what it is told, written from PROTOCOL.md alone.

It can send any bytes, frames whose prefix lies, heads that are no JSON, and descriptors where none
belong. It reads with recvmsg only and hands out the descriptors of a frame with the frame.
"""

import array
import errno
import fcntl
import json
import os
import socket
import struct
import termios
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from harness import prepared
from harness.uids import GROUP, Uid, connect_as

PREFIX = struct.Struct("<2sBBIQ")
MAGIC = b"SB"
VERSION = 1
HEAD_MAX = 65536
PAYLOAD_MAX = 2097152
PUT_MAX = 262144
SCM_MAX_FD = 253
GLUED = 50
"""Requests sent at once, below the number at which the daemon stops reading."""

CLIENT = "sealbuf-raw/1"

PATIENCE = 10.0
"""Seconds to wait for an answer; a ceiling against hanging, nothing is measured by it."""


def prefix(head_bytes: int, payload_bytes: int = 0, descriptors: int = 0) -> bytes:
    return PREFIX.pack(MAGIC, VERSION, descriptors, head_bytes, payload_bytes)


def frame(head: dict[str, Any] | bytes, payload: bytes = b"", descriptors: int = 0) -> bytes:
    if isinstance(head, dict):
        head = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    return prefix(len(head), len(payload), descriptors) + head + payload


@dataclass
class Reply:
    head: dict[str, Any]
    payload: bytes = b""
    descriptors: list[int] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.head[name]

    @property
    def kind(self) -> str:
        """Which reply; of an error, its code."""
        reply: str = self.head["reply"]
        return self.head["code"] if reply == "error" else reply

    def close(self) -> None:
        while self.descriptors:
            os.close(self.descriptors.pop())


class ClosedByDaemonError(Exception):
    """The daemon ended the connection."""


class RawClient:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.connection.settimeout(PATIENCE)
        self._bytes = bytearray()
        self._descriptors: list[int] = []
        self._seq = 0

    @classmethod
    def connect(
        cls,
        path: str,
        uid: int = Uid.READER,
        *,
        groups: Sequence[int] = (GROUP,),
        primary: int | None = None,
    ) -> "RawClient":
        return cls(connect_as(path, uid, groups=groups, primary=primary))

    @classmethod
    def connect_here(cls, path: str) -> "RawClient":
        """Connected by this process itself, a forked copy, with whose end the session ends."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(path)
        return cls(connection)

    @classmethod
    def open(cls, path: str, uid: int = Uid.READER, *, namespace: str = "default") -> "RawClient":
        """Connected and welcomed."""
        client = cls.connect(path, uid)
        client.expect("welcome", "hello", namespace=namespace, client=CLIENT).close()
        return client

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()
        while self._descriptors:
            os.close(self._descriptors.pop())

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def head(self, op: str, **fields: Any) -> dict[str, Any]:
        return {"op": op, "seq": self.next_seq(), **fields}

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def send_with_descriptors(self, data: bytes, descriptors: Sequence[int]) -> None:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        sent = self.connection.sendmsg([data], [rights])
        self.connection.sendall(data[sent:])

    def hang_up(self) -> None:
        """Says nothing more; what the daemon has said is still to be read."""
        with suppress(OSError):  # it has closed already
            self.connection.shutdown(socket.SHUT_WR)

    def ask(self, op: str, payload: bytes = b"", **fields: Any) -> Reply:
        """Sends a request and reads its reply, with no other request under way."""
        if op == "create":
            prepared.before_create(self, fields)
        return self.request(op, payload, **fields)

    def request(self, op: str, payload: bytes = b"", **fields: Any) -> Reply:
        """The same, and never with anything done before it."""
        head = self.head(op, **fields)
        self.send(frame(head, payload))
        reply = self.read()
        if reply["seq"] != head["seq"]:
            raise AssertionError(f"a reply to another request: request={head} reply={reply.head}")
        return reply

    def ask_all(self, requests: Iterable[tuple[dict[str, Any], bytes]]) -> Iterator[Reply]:
        """Sends many heads with their payloads, GLUED at a time, and yields the replies in order
        of arrival. Descriptors are closed when the next one is asked for."""
        remaining = iter(requests)
        while some := list(islice(remaining, GLUED)):
            self.send(b"".join(frame(head, payload) for head, payload in some))
            for _ in some:
                reply = self.read()
                yield reply
                reply.close()

    def hello(self, namespace: str = "default") -> Reply:
        return self.ask("hello", namespace=namespace, client=CLIENT)

    def expect(self, kind: str, op: str, payload: bytes = b"", **fields: Any) -> Reply:
        reply = self.ask(op, payload, **fields)
        if reply.kind != kind:
            raise AssertionError(f"unexpected reply: op={op} want={kind} reply={reply.head}")
        return reply

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self.expect("stats", "stat")["stats"]
        return stats

    def entries(self, prefix: str) -> list[dict[str, Any]]:
        """Every buffer whose name begins so, over as many pages as it takes."""
        found: dict[int, dict[str, Any]] = {}
        bound: dict[str, int] = {}
        cursor = 0
        while True:
            fields: dict[str, Any] = {"prefix": prefix, "cursor": cursor, **bound}
            page = self.expect("listing", "list", limit=1000, **fields)
            found |= {entry["buffer"]: entry for entry in json.loads(page.payload)}
            cursor = page["cursor"]
            bound = {name: value for name, value in page.head.items() if name == "until"}
            if cursor == 0:
                return list(found.values())

    def read(self) -> Reply:
        """The next frame; ClosedByDaemonError at the end of the stream."""
        magic, version, descriptors, head_bytes, payload_bytes = PREFIX.unpack(
            self._take(PREFIX.size)
        )
        if magic != MAGIC or version != VERSION:
            raise AssertionError(f"not a frame: magic={magic!r} version={version}")
        if head_bytes > HEAD_MAX or payload_bytes > PAYLOAD_MAX:
            raise AssertionError(f"frame too long: head={head_bytes} payload={payload_bytes}")
        head = json.loads(self._take(head_bytes))
        payload = self._take(payload_bytes)
        if len(self._descriptors) < descriptors:
            raise AssertionError(f"descriptors missing: head={head} want={descriptors}")
        taken, self._descriptors = self._descriptors[:descriptors], self._descriptors[descriptors:]
        return Reply(head, payload, taken)

    def read_to_end(self) -> list[Reply]:
        """Every frame that comes until the daemon closes; a hang is a failure."""
        replies = []
        try:
            while True:
                replies.append(self.read())
        except ClosedByDaemonError:
            return replies

    def _take(self, count: int) -> bytes:
        while len(self._bytes) < count:
            self._receive()
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        return taken

    def _receive(self) -> None:
        room = socket.CMSG_SPACE(4 * SCM_MAX_FD)
        try:
            data, ancillary, flags, _ = self.connection.recvmsg(1 << 16, room)
        except ConnectionError as error:
            raise ClosedByDaemonError(str(error)) from error
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self._descriptors.extend(numbers)
        if flags & socket.MSG_CTRUNC:
            raise AssertionError("descriptors were lost: MSG_CTRUNC")
        if not data:
            raise ClosedByDaemonError(f"end of stream: pending={len(self._bytes)}")
        self._bytes += data

    def wait_until_taken(self) -> None:
        """Returns when the daemon has read all that was sent, so that the next bytes come apart."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                raw = fcntl.ioctl(self.connection, termios.TIOCOUTQ, b"\0\0\0\0")
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.ENOTCONN):
                    return
                raise
            if int.from_bytes(raw, "little") == 0:
                return
        raise AssertionError(f"the daemon does not read: waited={PATIENCE}")
