"""One session with the daemon over its Unix socket: a request out, its reply and descriptors in.

A request costs one sendmsg(2), its reply one poll(2) and one recvmsg(2). All waiting is done in
poll, before a byte is taken: so a deadline is kept whatever signals arrive, and Ctrl-C there leaves
the stream in step. The reply that was not waited for is passed over when it comes.

Every read is a recvmsg with room for descriptors, because a plain read would drop them silently.
Descriptors queue in order of arrival, and each frame takes as many from the front as it states. If
the numbers do not match, nobody can tell any more which descriptor belongs to which name:
everything is closed and the session ends.

A request that missed its deadline may still be answered. Replies are told apart by `seq`, and late
ones are dropped with their descriptors. If a late one lends a segment or reserves a name, or a
Writer or an unnamed Buffer was dropped, an `abort` or `delete` travels with the next request, so
that nothing stays taken for as long as the session lasts (`_forgotten`); or `_idle` makes one.

Threads: one request at a time; the others wait for their turn within their deadline.
"""

import array
import select
import socket
import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet

from sealbuf import _protocol as protocol
from sealbuf._deadline import Deadline
from sealbuf._descriptor import Descriptor
from sealbuf._errors import (
    Closed,
    Disconnected,
    Error,
    InvalidRequest,
    ProtocolError,
    Timeout,
    from_wire,
)
from sealbuf._forgotten import Forgotten
from sealbuf._frames import Decoder, Frame
from sealbuf._limits import DESCRIPTORS_MAX
from sealbuf._reply import Reply
from sealbuf._spare import Spares

READ_BYTES = 65536
"""Most of what one read takes in; a page of list may need a few."""

TIDY_SECONDS = 0.1
"""How long the daemon may take to be told what was forgotten, when nobody asks for anything."""

# Plain numbers: those of the module are enums, whose `&` takes longer than the rest of a check.
_NO_SIGNAL, _CLOSE_ON_EXEC = int(socket.MSG_NOSIGNAL), int(socket.MSG_CMSG_CLOEXEC)
_TRUNCATED = int(socket.MSG_CTRUNC)
_RIGHTS = (int(socket.SOL_SOCKET), int(socket.SCM_RIGHTS))
_NUMBER_BYTES = array.array("i").itemsize
_CONTROL_BYTES = socket.CMSG_SPACE(DESCRIPTORS_MAX * _NUMBER_BYTES)
_NO_DESCRIPTORS = frozenset({0})
_UNFINISHED = {"lent": "buffer", "reserved": "buffer", "published_lent": "spare"}
"""Replies that give something which has to be given back, and the field with its number."""


class Connection:
    """A session, from `connect` to `close` or the first error of the stream.

    An exception that a signal handler raises while bytes are taken or given, and not while they are
    waited for, ends it too: nobody can tell then which are left.
    """

    def __init__(self, connected: socket.socket, peer: str, timeout: float | None) -> None:
        self.peer = peer
        self.timeout = timeout
        connected.setblocking(False)
        self._socket = connected
        self._readable = select.poll()
        self._readable.register(connected, select.POLLIN)
        self._decoder = Decoder()
        self._arrived: deque[Descriptor] = deque()
        self._replies: deque[Reply] = deque()
        self.forgotten = Forgotten()
        self.spares = Spares(self.forgotten)
        self._room = memoryview(bytearray(READ_BYTES))
        self._turn = threading.RLock()
        self._exchanging = False
        self._seq = 0
        self._answered = 0
        self._ended: Error | None = None
        _alive.add(self)

    def request(
        self,
        op: str,
        payload: bytes | memoryview = b"",
        deadline: Deadline | None = None,
        **fields: Any,
    ) -> Reply:
        """Sends a request and waits for its reply; an error reply is raised as its exception.

        The payload may have any format and shape; it is sent as its bytes. Without a deadline the
        connection's own timeout counts.
        """
        until = deadline or Deadline(self.timeout)
        try:
            if not (self._turn.acquire(False) or self._turn.acquire(timeout=until.left)):
                raise _late(op, until)
            reply = self._exchange(op, payload, fields, until)
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

    def send(self, op: str, deadline: Deadline, **fields: Any) -> None:
        """Sends a request and leaves it to `next_reply` to bring what is answered."""
        with self._turn:
            self._check_open()
            self._send(op, b"", fields, deadline)

    def next_reply(self, op: str, kinds: Collection[str], deadline: Deadline) -> Reply:
        """What the request that was sent last is told next: its reply or error, or an event."""
        with self._turn:
            self._check_open()
            return self._await(op, kinds, deadline)

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
        self.forgotten.unfinished(buffer)

    def tidy(self) -> bool:
        """Has the daemon told what was forgotten so far; whether there is more to tell."""
        if self._ended is not None:
            return False
        self.spares.look()
        if not self.forgotten:
            return False
        try:
            self.request("ping", b"", Deadline(TIDY_SECONDS))
        except (Error, OSError):
            return False
        return bool(self.forgotten)

    def close(self) -> None:
        with self._turn:
            self._end(Closed(f"store is closed: socket={self.peer}"))

    def end(self) -> None:
        """The daemon is known to be gone, or the session to be over."""
        self.cut()
        with self._turn:
            self._end(self._lost("the daemon is gone"))

    def cut(self, how: int = socket.SHUT_RDWR) -> None:
        """Ends the session under a thread that waits in it, which then gets Disconnected. By
        SHUT_WR the daemon ends it, and what it answered before that can still be read."""
        with suppress(OSError):
            self._socket.shutdown(how)

    def abandon(self) -> None:
        """In a forked child: the session stays the parent's, this process's copy is closed."""
        self._turn = threading.RLock()
        self._exchanging = False
        self._end(self._lost("it belongs to the process that forked"))

    def fileno(self) -> int:
        """That of the socket; -1 once the session is over."""
        return self._socket.fileno()

    @property
    def state(self) -> str:
        """`open`, or the code of the error that calls get now."""
        return "open" if self._ended is None else self._ended.code

    @property
    def in_step(self) -> bool:
        """Whether every request was answered, so that somebody else may go on with it."""
        return self._ended is None and self._answered == self._seq

    @property
    def arrived(self) -> bool:
        """Whether something waits to be read, be it the end of the stream."""
        return bool(self._replies) or bool(self._readable.poll(0))

    def _exchange(
        self, op: str, payload: bytes | memoryview, fields: dict[str, Any], deadline: Deadline
    ) -> Reply:
        if self._exchanging:
            raise InvalidRequest(f"a signal handler asks in the middle of a request: op={op}")
        self._check_open()
        self._exchanging = True
        sent = False
        try:
            sent = self._send(op, payload, fields, deadline)
            reply = self._await(op, protocol.ANSWERS[op], deadline)
            if reply.kind == "published_lent":
                self.spares.keep(reply, fields["spare"])
            return reply
        except Disconnected as error:
            error.sent = sent
            raise
        finally:
            self._exchanging = False

    def _check_open(self) -> None:
        if self._ended is not None:
            error = _copy(self._ended)
            if isinstance(error, Disconnected):
                error.sent = False
            raise error

    def _send(
        self, op: str, payload: bytes | memoryview, fields: dict[str, Any], deadline: Deadline
    ) -> bool:
        """Sends a request; whether all of it was."""
        if deadline.passed:
            raise _late(op, deadline)
        size = memoryview(payload).nbytes
        orphans = self.forgotten.pop()
        frames = b"".join([self._frame(*orphan) for orphan in orphans]) if orphans else b""
        frames += self._frame(op, fields, size)
        try:
            self._send_all(op, [frames, payload], len(frames) + size, deadline)
        except (BrokenPipeError, ConnectionResetError):
            # The daemon may have said why before it closed: the reading side finds out.
            return False
        except BaseException:
            self.forgotten.put_back(orphans)
            raise
        return True

    def _send_all(
        self, op: str, parts: list[bytes | memoryview], left: int, deadline: Deadline
    ) -> None:
        whole, waiting = left, False
        try:
            while left > 0:
                try:
                    sent = self._socket.sendmsg(parts, (), _NO_SIGNAL)
                except BlockingIOError:
                    waiting = left == whole
                    _wait(self._writable(), op, deadline)
                    waiting = False
                    continue
                left -= sent
                if left > 0:
                    parts = [memoryview(b"".join(parts))[sent:]]
        except (BrokenPipeError, ConnectionResetError):
            raise
        except BaseException:
            if not waiting:  # nothing has left before the first wait: the stream is in step
                self._end(self._lost("a request could not be sent whole"))
            raise

    def _writable(self) -> select.poll:
        poller = select.poll()
        poller.register(self._socket, select.POLLOUT)
        return poller

    def _frame(self, op: str, fields: dict[str, Any], payload_bytes: int = 0) -> bytes:
        self._seq += 1
        return protocol.encode_request(op, self._seq, fields, payload_bytes)

    def _await(self, op: str, kinds: Collection[str], deadline: Deadline) -> Reply:
        """The next reply of these kinds to the request that was sent last, or an error."""
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if self._is_due(reply, kinds):
                    self._answered = self._seq
                    return reply
                self._pass_over(reply)
            _wait(self._readable, op, deadline)
            self._receive()

    def _is_due(self, reply: Reply, kinds: Collection[str]) -> bool:
        if reply.kind == "event":
            return "event" in kinds
        return reply["seq"] == self._seq and (reply.kind in kinds or reply.kind == "error")

    def _pass_over(self, reply: Reply) -> None:
        """A reply that nobody waits for: late, or the daemon's last word on the whole session."""
        reply.close()
        seq = reply["seq"]
        if reply.kind == "error" and seq == 0:
            error = from_wire(reply["code"], reply["message"])
            if isinstance(error, Disconnected):
                error.final = True
            self._end(self._lost(error.message))
            raise error
        if not 0 < seq < self._seq:
            raise self._fail(f"unexpected reply: reply={reply.kind} seq={seq} last={self._seq}")
        if reply.kind in _UNFINISHED:
            self.forget(reply[_UNFINISHED[reply.kind]])

    def _receive(self) -> None:
        """One read, and the replies that became complete by it."""
        try:
            count, ancillary, flags, _ = self._socket.recvmsg_into(
                [self._room], _CONTROL_BYTES, _CLOSE_ON_EXEC
            )
            self._take(self._room[:count], ancillary, flags)
        except (ProtocolError, Disconnected) as error:
            raise self._fail_with(error) from None
        except OSError as error:
            raise self._fail_with(self._lost(error.strerror or "unknown")) from None
        except BaseException:
            self._end(self._lost("a read was interrupted"))
            raise

    def _take(self, data: memoryview, ancillary: list[tuple[int, int, bytes]], flags: int) -> None:
        for level, kind, numbers in ancillary:
            if (level, kind) == _RIGHTS:
                whole = len(numbers) - len(numbers) % _NUMBER_BYTES
                self._arrived.extend(map(Descriptor, array.array("i", numbers[:whole])))
        if flags & _TRUNCATED:
            raise ProtocolError("descriptors were lost on the way: more than stated, or no room")
        if not data:
            raise self._lost("the daemon closed it")
        for frame in self._decoder.feed(data):
            self._replies.append(self._reply(frame))
        if self._arrived and self._decoder.idle:
            raise ProtocolError(f"descriptors without a frame: left={len(self._arrived)}")

    def _reply(self, frame: Frame) -> Reply:
        kind = protocol.check_reply(frame.head)
        if frame.descriptors not in protocol.DESCRIPTORS.get(kind, _NO_DESCRIPTORS):
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
            self._ended = _copy(reason)  # without the frames that a raised one refers to
        self._socket.close()
        self.spares.close()
        for reply in self._replies:
            reply.close()
        for descriptor in self._arrived:
            descriptor.close()
        self._replies.clear()
        self._arrived.clear()


_alive: "WeakSet[Connection]" = WeakSet()


def after_fork() -> None:
    """In a forked child: all sessions are the parent's, also one that a thread of it was making."""
    for connection in list(_alive):
        connection.abandon()


def _wait(poller: select.poll, op: str, deadline: Deadline) -> None:
    while not poller.poll(deadline.poll_millis):
        if deadline.passed:
            raise _late(op, deadline)


def _late(op: str, deadline: Deadline) -> Timeout:
    return Timeout(f"no answer within the deadline: op={op} timeout={deadline.timeout}")


def _copy(error: Error) -> Error:
    return type(error)(*error.args)
