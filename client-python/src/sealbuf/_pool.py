"""One session a daemon for whatever is opened or held without a store at hand.

A handle that arrives in some process says which socket and namespace it belongs to; the first one
makes a link there, which stays for as long as the process. A forked child gets its own session by
itself, as all links do.
"""

import atexit

from sealbuf._dial import Dialer
from sealbuf._link import Link

TIMEOUT = 5.0
"""Seconds, as `connect` has it."""

_links: dict[tuple[str, str], Link] = {}


def link_to(socket: str, namespace: str) -> Link:
    """The link to that daemon. Two threads that are first at once make two, and one is kept."""
    key = socket, namespace
    link = _links.get(key)
    if link is None:
        made = Link(socket, Dialer(socket, namespace, TIMEOUT), TIMEOUT, namespace)
        link = _links.setdefault(key, made)
        if link is not made:
            made.close()
    return link


def leave(socket: str) -> None:
    """That daemon will not be asked again."""
    for key in [key for key in _links if key[0] == socket]:
        if link := _links.pop(key, None):
            link.close()


def _close() -> None:
    for socket, _ in list(_links):
        leave(socket)


atexit.register(_close)
