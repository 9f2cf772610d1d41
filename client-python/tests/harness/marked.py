"""Content that says itself what it is: of which name, the how manyth, and whole.

A buffer that shows bytes of two publications, of another name or of none at all does not check.
"""

import struct
from hashlib import blake2b

_HEAD = struct.Struct("<QI")
_DIGEST_BYTES = 16


def marked(name: str, number: int, nbytes: int) -> bytes:
    """`nbytes` bytes, at least 28, of which each 16 are the digest of name and number."""
    digest = _digest(name, number)
    body = nbytes - _HEAD.size
    return _HEAD.pack(number, nbytes) + (digest * (body // _DIGEST_BYTES + 1))[:body]


def check(name: str, content: bytes | memoryview) -> int:
    """The number of what was published under that name; AssertionError if it is not all of it."""
    number, nbytes = _HEAD.unpack_from(content)
    if bytes(content) != marked(name, number, nbytes):
        raise AssertionError(f"torn or mixed content: name={name} number={number} bytes={nbytes}")
    return int(number)


def _digest(name: str, number: int) -> bytes:
    return blake2b(f"{number}/{name}".encode(), digest_size=_DIGEST_BYTES).digest()
