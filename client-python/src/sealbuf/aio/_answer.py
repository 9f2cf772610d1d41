"""What the daemon answers to one request, read by the event loop.

The request goes out on a session that nobody else uses meanwhile (see `_side`), and fits its
socket, so sending never waits. The loop calls when something can be read. A request that the daemon
keeps is asked again when it was kept for the longest time there is.
"""

import asyncio
from types import TracebackType
from typing import Any, Self

from sealbuf._connection import Connection
from sealbuf._deadline import Deadline
from sealbuf._errors import Timeout, from_wire
from sealbuf._protocol import ANSWERS
from sealbuf._reply import Reply


class Answer:
    """A request on its way. Whoever leaves its block does not want the answer any more."""

    def __init__(
        self, session: Connection, op: str, deadline: Deadline, *, wait: bool, **fields: Any
    ) -> None:
        """`wait`: the daemon keeps the request until it can be met or the deadline passes."""
        self._session, self._op, self._deadline = session, op, deadline
        self._wait, self._fields = wait, fields
        self._loop = asyncio.get_running_loop()
        self._reply: asyncio.Future[Reply] = self._loop.create_future()
        self._number = session.fileno()
        self._send()
        self._loop.add_reader(self._number, self._read)

    async def reply(self, deadline: Deadline) -> Reply:
        """The reply, whose descriptors end with the block; an error reply is raised. After a
        cancellation, or a Timeout, it can be waited for again."""
        await asyncio.wait([self._reply], timeout=deadline.left)
        if not self._reply.done():
            raise Timeout(
                f"no answer within the deadline: op={self._op} timeout={deadline.timeout}"
            )
        reply = self._reply.result()
        if reply.kind == "error":
            raise from_wire(reply["code"], reply["message"])
        return reply

    def close(self) -> None:
        self._stop()
        if self._reply.done() and self._reply.exception() is None:
            self._reply.result().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self) -> None:
        millis = self._deadline.wait_millis if self._wait else None
        self._session.send(self._op, self._deadline, timeout=millis, **self._fields)

    def _read(self) -> None:
        try:
            reply = self._session.next_reply(self._op, ANSWERS[self._op], Deadline(0))
            if self._kept_too_long(reply):
                self._send()
                return
        except Timeout:
            return  # it is not whole yet
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            self._stop()
            self._reply.set_exception(error)
        else:
            self._stop()
            self._reply.set_result(reply)

    def _kept_too_long(self, reply: Reply) -> bool:
        late = reply.kind == "error" and reply["code"] == Timeout.code
        return late and self._wait and self._deadline.wait_left > 0

    def _stop(self) -> None:
        number, self._number = self._number, -1
        if number >= 0:
            self._loop.remove_reader(number)
