"""What systemd is to a service: a datagram socket that is told how it is (sd_notify(3))."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from harness.public import folder_for
from harness.uids import Uid

PATIENCE_SECONDS = 120.0


class ServiceManager:
    def __init__(self, receiver: socket.socket, address: str) -> None:
        self._receiver = receiver
        self.address = address

    def next(self, seconds: float = PATIENCE_SECONDS) -> dict[str, str]:
        """The next message; TimeoutError when none comes."""
        self._receiver.settimeout(seconds)
        return self._parse(self._receiver.recv(4096))

    def waiting(self) -> list[dict[str, str]]:
        """What has come and was not looked at."""
        self._receiver.settimeout(0)
        messages = []
        try:
            while True:
                messages.append(self._parse(self._receiver.recv(4096)))
        except BlockingIOError:
            return messages

    @staticmethod
    def _parse(message: bytes) -> dict[str, str]:
        return dict(line.split("=", 1) for line in message.decode().splitlines())


@contextmanager
def listening(*, abstract: bool = False) -> Iterator[ServiceManager]:
    address = f"@sealbuf-test-{token_hex(8)}"
    if not abstract:
        address = str(folder_for(Uid.DAEMON, "manager") / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0", 1) if abstract else address)
        if not abstract:
            Path(address).chmod(0o666)
        yield ServiceManager(receiver, address)
