"""Everything that the client raises on purpose.

One class for each code of the error table in `protocol/PROTOCOL.md`, all of them `sealbuf.Error`,
and each also the built-in exception that a Python program expects in its place. `code` is the code
on the wire.
"""

# The names are those of the protocol's error table and stand behind `sealbuf.`.
# ruff: noqa: N818

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class Error(Exception):
    """What the store or the client library says no with."""

    code: ClassVar[str]
    advice: ClassVar[str] = ""
    """What to do about it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)  # torch raises again, with `message=`, what its workers raised

    @property
    def message(self) -> str:
        """The rule and then the evidence."""
        # Some of the built-in bases show their argument in quotes, or as an errno.
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}" if self.advice else self.message


class NotFound(Error, KeyError):
    """No buffer of that name, or no such segment or unfinished buffer."""

    code = "not_found"
    advice = "check the name; list shows what there is"


class AlreadyExists(Error):
    """The name is taken, or being written."""

    code = "already_exists"
    advice = "choose another name, or delete the old buffer"


class StoreFull(Error, MemoryError):
    """There is no room below the daemon's capacity. Nothing was changed."""

    code = "store_full"
    advice = "delete buffers, see holders, or raise --capacity"


class QuotaExceeded(Error):
    """A limit of this session or of this uid is reached."""

    code = "quota_exceeded"
    advice = "finish or abort what is open; delete what is not needed; stat shows the quota"


class StillMapped(Error, BufferError):
    """Somebody can still write to the segment, so it cannot be sealed. Nothing was published."""

    code = "still_mapped"
    advice = "drop writable views and forked copies, seal again"


class NotPermitted(Error, PermissionError):
    """This process's uid may not do this."""

    code = "not_permitted"
    advice = "ask the owner of the buffer or of the daemon"


class InvalidName(Error, ValueError):
    """A name is 1 to 255 bytes of UTF-8 without control characters."""

    code = "invalid_name"
    advice = "change the name"


class InvalidRequest(Error, ValueError):
    """An argument is out of its bounds."""

    code = "invalid_request"
    advice = "mend the call"


class ProtocolError(Error):
    """What the daemon sent, or what lies in shared memory, cannot be trusted."""

    code = "protocol"
    advice = "report it; connect again"


class WrongVersion(ProtocolError):
    """The daemon speaks another protocol, or another version of it."""

    code = "wrong_version"
    advice = "bring both to one version"


class Disconnected(Error, ConnectionError):
    """The daemon went away. Buffers and views that are open stay valid."""

    code = "disconnected"
    advice = "connect again"
    sent: bool = True
    """Whether the request may have reached the daemon; False: it surely had no effect."""
    final: bool = False
    """Whether the daemon said itself that it stops."""


@contextmanager
def under_way() -> Iterator[None]:
    """Of a call that has asked for something already: whatever is lost now, that was sent."""
    try:
        yield
    except Disconnected as error:
        error.sent = True
        raise


class NoDaemon(Disconnected):
    """Nobody listens at the socket."""

    code = "no_daemon"
    advice = "start a daemon with sealbuf serve, or name its socket"


class TryAgain(Error):
    """A passing shortage at the daemon; the same call may succeed a little later."""

    code = "try_again"
    advice = "wait a little and try again"


class TooManyMappings(StoreFull):
    """This process maps as many segments as it safely can."""

    code = "too_many_mappings"
    advice = "drop views"


class Timeout(Error, TimeoutError):
    """The deadline passed. Whether the request was carried out is not known."""

    code = "timeout"
    advice = "raise the timeout, look whether the daemon is alive"


class Closed(Error, ValueError):
    """The store or writer was closed by its user."""

    code = "closed"
    advice = "do not use it after close"


BY_CODE: dict[str, type[Error]] = {
    each.code: each
    for each in (
        NotFound,
        AlreadyExists,
        StoreFull,
        QuotaExceeded,
        StillMapped,
        NotPermitted,
        InvalidName,
        InvalidRequest,
        ProtocolError,
        WrongVersion,
        TryAgain,
        TooManyMappings,
        Timeout,
        Disconnected,
        NoDaemon,
        Closed,
    )
}


def from_wire(code: str, message: str) -> Error:
    """The exception of an error frame; a code that a newer daemon knows becomes a plain `Error`."""
    known = BY_CODE.get(code)
    return known(message) if known else Error(f"{message}: code={code}")
