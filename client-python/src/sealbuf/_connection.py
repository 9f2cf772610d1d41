"""One session with the daemon over its Unix socket: a request out, its reply and descriptors in.

The socket is a plain blocking one. Deadlines are the kernel's (SO_SNDTIMEO, SO_RCVTIMEO), set anew
only when the value differs, so that a request costs exactly one sendmsg(2) and its reply one
recvmsg(2).

Every read is a recvmsg with room for descriptors, because a plain read would drop them silently.
Descriptors queue in order of arrival, and each frame takes as many from the front as it states. If
the numbers do not match, nobody can tell any more which descriptor belongs to which name:
everything is closed and the session ends.

A request that missed its deadline may still be answered. Replies are told apart by `seq`, and late
ones are dropped with their descriptors. If a late one lends a segment, or a Writer was dropped
without a word, an `abort` travels with the next request, so that the segment and its name do not
stay taken for as long as the session lasts.

Threads: one request at a time; the others wait for their turn within their deadline.
"""

import array
import errno
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sealbuf import _protocol as protocol
from sealbuf._descriptor import Descriptor
from sealbuf._errors import (
    Closed,
    Disconnected,
    Error,
    InvalidRequest,
    NoDaemon,
    NotPermitted,
    ProtocolError,
    Timeout,
    from_wire,
)
from sealbuf._version import __version__

READ_BYTES = 65536
"""Most of what one read takes in; a page of list may need a few."""
SLACK = 0.01
"""By how much of itself a deadline may be late, so that its value need not be set each time."""

_TIMEVAL = struct.Struct("@ll")
_NUMBER_BYTES = array.array("i").itemsize
_CONTROL_BYTES = socket.CMSG_SPACE(protocol.DESCRIPTORS_MAX * _NUMBER_BYTES)


@dataclass(slots=True)
class Reply:
    """A checked reply. Whoever takes it owns its descriptors."""

    kind: str
    head: dict[str, Any]
    payload: bytes
    descriptors: list[Descriptor] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.head[name]

    def close(self) -> None:
        for descriptor in self.descriptors:
            descriptor.close()

    def __enter__(self) -> "Reply":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _NothingSentError(Exception):
    """The deadline passed before the first byte left, so the stream is still in step."""


class Connection:
    """A session, from `connect` to `close` or the first error of the stream.

    An exception that a signal handler raises in the middle of a call (Ctrl-C) ends it too: nobody
    can tell then which bytes were already taken.
    """

    def __init__(self, connected: socket.socket, peer: str, timeout: float | None) -> None:
        self.peer = peer
        self.timeout = timeout
        self._socket = connected
        self._decoder = protocol.Decoder()
        self._arrived: deque[Descriptor] = deque()
        self._replies: deque[Reply] = deque()
        self._orphans: deque[int] = deque()
        self._room = memoryview(bytearray(READ_BYTES))
        self._turn = threading.RLock()
        self._exchanging = False
        self._seq = 0
        self._limits = {socket.SO_SNDTIMEO: 0.0, socket.SO_RCVTIMEO: 0.0}
        self._ended: Error | None = None

    @classmethod
    def connect(cls, path: str, timeout: float | None) -> "Connection":
        """Connects. The kernel waits for room in the daemon's backlog, within the deadline."""
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection = cls(plain, path, timeout)
        try:
            plain.setblocking(True)
            connection._limit(socket.SO_SNDTIMEO, "connect", connection._deadline())
            plain.connect(path)
        except OSError as error:
            plain.close()
            raise _cannot_connect(path, timeout, error) from None
        except BaseException:
            plain.close()
            raise
        return connection

    def hello(self, namespace: str) -> Reply:
        return self.request("hello", namespace=namespace, client=f"sealbuf-python/{__version__}")

    def request(self, op: str, payload: bytes | memoryview = b"", **fields: Any) -> Reply:
        """Sends a request and waits for its reply; an error reply is raised as its exception.

        The payload may have any format and shape; it is sent as its bytes.
        """
        deadline = self._deadline()
        try:
            if not self._turn.acquire(timeout=-1 if self.timeout is None else self.timeout):
                raise self._late(op)
            reply = self._exchange(op, payload, fields, deadline)
        finally:
            # A signal handler may raise right behind `acquire`. The lock knows its owner, so this
            # gives it back if, and only if, it was acquired. suppress() would be one more step
            # at which a handler may raise.
            try:  # noqa: SIM105
                self._turn.release()
            except RuntimeError:
                pass
        if reply.kind == "error":
            raise from_wire(reply["code"], reply["message"])
        return reply

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Around checks of what a reply brought: when one fails, the session is over."""
        try:
            yield
        except ProtocolError as error:
            with self._turn:
                self._end(self._lost(error.message))
            raise

    def forget(self, buffer: int) -> None:
        """Has an unfinished buffer aborted along with the next request. Takes no lock."""
        self._orphans.append(buffer)

    def close(self) -> None:
        with self._turn:
            self._end(Closed(f"store is closed: socket={self.peer}"))

    @property
    def state(self) -> str:
        """`open`, or the code of the error that calls get now."""
        return "open" if self._ended is None else self._ended.code

    def _exchange(
        self, op: str, payload: bytes | memoryview, fields: dict[str, Any], deadline: float | None
    ) -> Reply:
        if self._exchanging:
            raise InvalidRequest(f"a signal handler asks in the middle of a request: op={op}")
        if self._ended is not None:
            raise type(self._ended)(*self._ended.args)
        self._exchanging = True
        try:
            self._send(op, payload, fields, deadline)
            return self._await(op, deadline)
        finally:
            self._exchanging = False

    def _send(
        self,
        op: str,
        payload: bytes | memoryview,
        fields: dict[str, Any],
        deadline: float | None,
    ) -> None:
        size = memoryview(payload).nbytes
        orphans = list(self._orphans)
        frames = b"".join(self._frame("abort", {"buffer": orphan}) for orphan in orphans)
        frames += self._frame(op, fields, size)
        try:
            self._send_all(op, [frames, payload], len(frames) + size, deadline)
        except (BrokenPipeError, ConnectionResetError):
            return  # the daemon may have said why before it closed: the reading side finds out
        except _NothingSentError:
            raise self._late(op) from None
        except BaseException:
            self._end(self._lost("a request could not be sent whole"))
            raise
        for _ in orphans:
            self._orphans.popleft()

    def _send_all(
        self, op: str, parts: list[bytes | memoryview], left: int, deadline: float | None
    ) -> None:
        whole = left
        while left > 0:
            try:
                self._limit(socket.SO_SNDTIMEO, op, deadline)
                sent = self._socket.sendmsg(parts, (), socket.MSG_NOSIGNAL)
            except (BlockingIOError, Timeout):
                raise _NothingSentError if left == whole else self._late(op) from None
            left -= sent
            if left > 0:
                parts = [memoryview(b"".join(parts))[sent:]]

    def _frame(self, op: str, fields: dict[str, Any], payload_bytes: int = 0) -> bytes:
        self._seq += 1
        return protocol.encode_request(op, self._seq, fields, payload_bytes)

    def _await(self, op: str, deadline: float | None) -> Reply:
        """The reply to the request that was sent last."""
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if reply["seq"] == self._seq and reply.kind in protocol.ANSWERS[op] | {"error"}:
                    return reply
                self._pass_over(reply)
            self._receive(op, deadline)

    def _pass_over(self, reply: Reply) -> None:
        """A reply that nobody waits for: late, or the daemon's last word on the whole session."""
        reply.close()
        seq = reply["seq"]
        if reply.kind == "error" and seq == 0:
            error = from_wire(reply["code"], reply["message"])
            self._end(self._lost(error.message))
            raise error
        if not 0 < seq < self._seq:
            raise self._fail(f"unexpected reply: reply={reply.kind} seq={seq} last={self._seq}")
        if reply.kind == "lent":
            self.forget(reply["buffer"])

    def _receive(self, op: str, deadline: float | None) -> None:
        """One read, and the replies that became complete by it."""
        self._limit(socket.SO_RCVTIMEO, op, deadline)
        try:
            count, ancillary, flags, _ = self._socket.recvmsg_into(
                [self._room], _CONTROL_BYTES, socket.MSG_CMSG_CLOEXEC
            )
            self._take(self._room[:count], ancillary, flags)
        except BlockingIOError:
            raise self._late(op) from None
        except (ProtocolError, Disconnected) as error:
            raise self._fail_with(error) from None
        except OSError as error:
            raise self._fail_with(self._lost(error.strerror or "unknown")) from None
        except BaseException:
            self._end(self._lost("a read was interrupted"))
            raise

    def _take(self, data: memoryview, ancillary: list[tuple[int, int, bytes]], flags: int) -> None:
        for level, kind, numbers in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                whole = len(numbers) - len(numbers) % _NUMBER_BYTES
                self._arrived.extend(map(Descriptor, array.array("i", numbers[:whole])))
        if flags & socket.MSG_CTRUNC:
            raise ProtocolError("descriptors were lost on the way: more than stated, or no room")
        if not data:
            raise self._lost("the daemon closed it")
        for frame in self._decoder.feed(data):
            self._replies.append(self._reply(frame))
        if self._arrived and self._decoder.idle:
            raise ProtocolError(f"descriptors without a frame: left={len(self._arrived)}")

    def _reply(self, frame: protocol.Frame) -> Reply:
        kind = protocol.check_reply(frame.head)
        if frame.descriptors not in protocol.DESCRIPTORS.get(kind, {0}):
            raise ProtocolError(
                f"reply with another number of descriptors: reply={kind} "
                f"descriptors={frame.descriptors}"
            )
        if len(self._arrived) < frame.descriptors:
            raise ProtocolError(
                f"descriptors are missing: reply={kind} stated={frame.descriptors} "
                f"arrived={len(self._arrived)}"
            )
        taken = [self._arrived.popleft() for _ in range(frame.descriptors)]
        return Reply(kind, frame.head, frame.payload, taken)

    def _deadline(self) -> float | None:
        return None if self.timeout is None else monotonic() + self.timeout

    def _limit(self, option: int, op: str, deadline: float | None) -> None:
        """Has the kernel end the next call at the deadline."""
        if deadline is None or self.timeout is None:
            return
        left = deadline - monotonic()
        if left <= 0:
            raise self._late(op)
        limit = self.timeout if left > self.timeout * (1 - SLACK) else left
        if limit != self._limits[option]:
            micros = max(1, int(limit * 1_000_000))
            timeval = _TIMEVAL.pack(*divmod(micros, 1_000_000))
            self._socket.setsockopt(socket.SOL_SOCKET, option, timeval)
            self._limits[option] = limit

    def _late(self, op: str) -> Timeout:
        return Timeout(f"no answer within the deadline: op={op} timeout={self.timeout}")

    def _lost(self, why: str) -> Disconnected:
        return Disconnected(f"the connection to the daemon is over: socket={self.peer} why={why}")

    def _fail(self, message: str) -> Error:
        return self._fail_with(ProtocolError(message))

    def _fail_with(self, error: Error) -> Error:
        """Ends the session; the call under way gets the error itself, later ones Disconnected."""
        self._end(error if isinstance(error, Disconnected) else self._lost(error.message))
        return error

    def _end(self, reason: Error) -> None:
        if self._ended is None or isinstance(reason, Closed):
            self._ended = reason
        self._socket.close()
        for reply in self._replies:
            reply.close()
        for descriptor in self._arrived:
            descriptor.close()
        self._replies.clear()
        self._arrived.clear()


def _cannot_connect(path: str, timeout: float | None, error: OSError) -> Error:
    if error.errno == errno.EAGAIN:
        return Timeout(f"no answer within the deadline: op=connect timeout={timeout}")
    if error.errno == errno.EACCES:
        return NotPermitted(
            f"the socket is not for this user, ask for membership in the daemon's group: "
            f"uid={os.geteuid()} socket={path}"
        )
    return NoDaemon(f"nobody listens at the socket: socket={path} error={error.strerror}")
