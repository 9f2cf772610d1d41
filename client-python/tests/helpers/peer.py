"""The daemon's end of a real socket, played from a script.

Replies may be written before the request that they answer: the socket keeps them, and the numbers
of requests are known, since a connection counts them from 1.
"""

import array
import socket
from collections.abc import Sequence
from typing import Any

from sealbuf._connection import Connection
from sealbuf._frames import Decoder, Frame, encode_frame


class Peer:
    def __init__(self, timeout: float | None = 5.0) -> None:
        self.socket, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.connection = Connection(there, "peer", timeout)

    def close(self) -> None:
        self.socket.close()
        self.connection.close()

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Bytes in one message, with descriptors that belong to its first byte."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        sent = self.socket.sendmsg([data], rights if descriptors else [])
        assert sent == len(data)

    def reply(
        self,
        head: dict[str, Any],
        descriptors: Sequence[int] = (),
        *,
        payload: bytes = b"",
        stated: int | None = None,
    ) -> None:
        """A reply with its descriptors, of which it may state another number."""
        number = len(descriptors) if stated is None else stated
        self.send(encode_frame(head, len(payload), number) + payload, descriptors)

    def error(self, seq: int, code: str, message: str) -> None:
        self.reply({"reply": "error", "seq": seq, "code": code, "message": message})

    def requests(self) -> list[Frame]:
        """What has arrived by now."""
        decoder = Decoder()
        found: list[Frame] = []
        while not found or not decoder.idle:
            found += decoder.feed(self.socket.recv(1 << 20))
        return found
